// A small file at once: three calls to the system, and none of them worth a thread.
import { closeSync, openSync, readSync } from 'node:fs';

/** As many bytes as the file was said to have; fewer when it has become shorter. Throws what the system throws. */
export function readSmall(path: string, bytes: number): Buffer {
  const into = Buffer.allocUnsafe(bytes);
  const file = openSync(path, 'r');
  try {
    let at = 0;
    for (let read = -1; at < bytes && read !== 0; at += read) read = readSync(file, into, at, bytes - at, at);
    return into.subarray(0, at);
  } finally {
    closeSync(file);
  }
}
