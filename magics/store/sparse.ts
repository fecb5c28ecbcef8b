// Large files that are mostly holes. Read the usual way, each page of a hole takes a page of memory: measured, 4 s a GB. What is read past the page
// cache (O_DIRECT, open(2)) takes none, and a hole comes at the speed of a comparison. It asks for addresses, places and lengths that are whole blocks.
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/** TypeScript knows it as a part of the DOM only. */
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
};

const WASM_PAGE_BYTES = 64 * 1024;
const BLOCK_BYTES = 4 * 1024 * 1024;
/** Below this, holes are not worth the trouble. */
const LARGE_BYTES = 64 * 1024 * 1024;

/** Gives how many bytes it has read into the first of these; 0 at the end of the file. */
export type ReadAt = (into: Buffer, position: number) => Promise<number>;

/** By what a file is best read from its beginning to its end. It stays whoever opened it who closes `file`; what is opened besides is closed with the result. */
export async function readerOf(file: FileHandle, path: string): Promise<{ readonly read: ReadAt } & AsyncDisposable> {
  const { size, blocks } = await file.stat();
  const usual: ReadAt = async (into, position) => (await file.read(into, 0, into.length, position)).bytesRead;
  const direct = size >= LARGE_BYTES && blocks * 512 < size / 2 ? await openDirect(path) : undefined;
  if (direct === undefined) return { read: usual, [Symbol.asyncDispose]: () => Promise.resolve() };
  return { read: pastTheCache(direct, usual), [Symbol.asyncDispose]: () => direct.close() };
}

/** undefined: this system or file system knows no such thing. */
async function openDirect(path: string): Promise<FileHandle | undefined> {
  if (process.platform !== 'linux') return undefined;
  try {
    return await open(path, constants.O_RDONLY | constants.O_DIRECT);
  } catch {
    // It was opened the usual way a moment ago, and is read that way then.
    return undefined;
  }
}

function pastTheCache(file: FileHandle, usual: ReadAt): ReadAt {
  // The memory of WebAssembly begins where a page does; that of a Buffer anywhere.
  const block = Buffer.from(new WebAssembly.Memory({ initial: BLOCK_BYTES / WASM_PAGE_BYTES }).buffer);
  let isRefused = false;
  let start = -1;
  let filled = 0;
  return async (into, position) => {
    const wanted = position - (position % BLOCK_BYTES);
    if (wanted !== start && !isRefused) {
      try {
        filled = (await file.read(block, 0, block.length, wanted)).bytesRead;
        start = wanted;
      } catch {
        // What is wrong with the file itself is told when it is read the usual way.
        isRefused = true;
      }
    }
    if (isRefused) return await usual(into, position);
    const copied = block.copy(into, 0, position - start, Math.max(position - start, filled));
    // The end of the file, or the system gave less than was asked for.
    return copied === 0 ? await usual(into, position) : copied;
  };
}
