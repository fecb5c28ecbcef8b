// A folder as one archive of the store: what was installed once is unpacked by all that need it after.
import { createHash } from 'node:crypto';
import { createWriteStream, lstatSync, readFileSync, readdirSync, readlinkSync, renameSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { TAR_END, tarHeader, tarPadding } from '../protocol/tar';

const LEVEL = 1;

/** Writes it whole, by rename. Gives its SHA-256. */
export async function packTree(root: string, path: string, signal: AbortSignal): Promise<string> {
  const part = `${path}.part-${process.pid}`;
  const hash = createHash('sha256');
  try {
    await pipeline(
      Readable.from(members(root)),
      createGzip({ level: LEVEL }),
      async function* (pieces: AsyncIterable<Buffer>) {
        for await (const piece of pieces) {
          hash.update(piece);
          yield piece;
        }
      },
      createWriteStream(part, { mode: 0o600 }),
      { signal },
    );
    renameSync(part, path);
  } finally {
    rmSync(part, { force: true });
  }
  return hash.digest('hex');
}

function* members(root: string): Generator<Buffer> {
  const todo = [root];
  for (let folder = todo.pop(); folder !== undefined; folder = todo.pop()) {
    for (const name of readdirSync(folder).sort()) {
      const whole = join(folder, name);
      const path = relative(root, whole);
      const found = lstatSync(whole);
      if (found.isDirectory()) todo.push(whole);
      else if (found.isSymbolicLink()) yield tarHeader({ kind: 'link', path, target: readlinkSync(whole) });
      else if (found.isFile()) {
        const content = readFileSync(whole);
        const isExecutable = (found.mode & 0o100) !== 0;
        yield tarHeader({ kind: 'file', path, isExecutable, size: content.length });
        if (content.length > 0) yield content;
        yield tarPadding(content.length);
      }
    }
  }
  yield TAR_END;
}
