// Small files that several processes share: read if there, written whole (beside, sync, rename).
import { closeSync, fsync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { systemCode } from './errors';

export function isMissing(error: unknown): boolean {
  return systemCode(error) === 'ENOENT';
}

/** undefined: there is no such file. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Readers find the old text or the new one, whatever happens in between. Mode 0600. */
export function writeWhole(path: string, text: string | Uint8Array): void {
  const part = `${path}.part`;
  const file = openSync(part, 'w', 0o600);
  try {
    if (typeof text === 'string') writeSync(file, text);
    else for (let at = 0; at < text.length;) at += writeSync(file, text, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(part, path);
}

/**
 * As `writeWhole`, for what nothing depends on after the machine has stopped: the file is there when this returns, and on its way to the disk. `failed` is told
 * when it does not arrive.
 */
export function writeAhead(path: string, text: string, failed: (error: Error) => void): void {
  const part = `${path}.part`;
  const file = openSync(part, 'w', 0o600);
  try {
    writeSync(file, text);
    renameSync(part, path);
  } catch (error) {
    closeSync(file);
    throw error;
  }
  fsync(file, (error) => {
    closeSync(file);
    if (error) failed(error);
  });
}
