// A small file at once: three calls to the system, and none of them worth a thread.
import { closeSync, openSync, readSync } from 'node:fs';

/** Gives how many bytes there were: fewer than asked for when the file ends before. Throws what the system throws. */
export function readSmall(path: string, into: Buffer, position: number): number {
  const file = openSync(path, 'r');
  try {
    let at = 0;
    for (let read = -1; at < into.length && read !== 0; at += read)
      read = readSync(file, into, at, into.length - at, position + at);
    return at;
  } finally {
    closeSync(file);
  }
}
