// Bytes on their way into a container. A large array is written piece by piece, each right after its checksum, while it is in the processor's cache.
import { writevSync } from 'node:fs';
import { checksumOf, startChecksum } from './checksums';

export const BLOB_ALIGNMENT = 64;
/** Checksums are computed while the piece is in the processor's cache. */
export const PIECE_BYTES = 1 << 20;
/** Parts of one writev call; the system's limit is 1,024. */
const MAX_PARTS = 512;
/** A single write call takes at most 2 GiB. */
const MAX_CALL_BYTES = 1 << 30;

/** Zeros up to the next multiple. */
export function padding(at: number, alignment: number): Uint8Array {
  return Buffer.alloc((alignment - (at % alignment)) % alignment);
}

/** Writes all parts one after the other, from a position of the file on. */
export function writeParts(file: number, parts: readonly Uint8Array[], position: number): void {
  const pieces = parts.filter((part) => part.byteLength > 0).flatMap(cut);
  let to = position;
  for (let at = 0; at < pieces.length;) {
    let batch = pieces.slice(at, at + MAX_PARTS);
    at += batch.length;
    while (batch.length > 0) {
      let written = writevSync(file, batch, to);
      to += written;
      while (batch.length > 0 && written >= (batch[0]?.byteLength ?? 0)) written -= batch.shift()?.byteLength ?? 0;
      const [first] = batch;
      if (written > 0 && first !== undefined) batch = [first.subarray(written), ...batch.slice(1)];
    }
  }
}

/** The end of blobs that begin, aligned, at a position. */
export function endOfBlobs(position: number, blobs: readonly Uint8Array[]): number {
  return blobs.reduce((at, blob) => at + padding(at, BLOB_ALIGNMENT).byteLength + blob.byteLength, position);
}

/** Writes blobs, aligned, from a position on. Gives their checksums. */
export function writeBlobs(file: number, position: number, blobs: readonly Uint8Array[]): number[] {
  const checksums: number[] = [];
  let at = position;
  let small: Uint8Array[] = [];
  let smallBytes = 0;
  const flush = (): void => {
    writeParts(file, small, at);
    at += smallBytes;
    small = [];
    smallBytes = 0;
  };
  for (const blob of blobs) {
    const gap = padding(at + smallBytes, BLOB_ALIGNMENT);
    small.push(gap);
    smallBytes += gap.byteLength;
    if (blob.byteLength >= PIECE_BYTES) {
      flush();
      checksums.push(writeLarge(file, at, blob));
      at += blob.byteLength;
      continue;
    }
    checksums.push(checksumOf(blob));
    small.push(blob);
    smallBytes += blob.byteLength;
    if (smallBytes >= PIECE_BYTES || small.length >= MAX_PARTS) flush();
  }
  flush();
  return checksums;
}

function writeLarge(file: number, position: number, blob: Uint8Array): number {
  const checksum = startChecksum(blob.byteLength);
  for (let at = 0; at < blob.byteLength; at += PIECE_BYTES) {
    const piece = blob.subarray(at, at + PIECE_BYTES);
    checksum.add(piece);
    writeParts(file, [piece], position + at);
  }
  return checksum.done();
}

function cut(part: Uint8Array): Uint8Array[] {
  if (part.byteLength <= MAX_CALL_BYTES) return [part];
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < part.byteLength; at += MAX_CALL_BYTES) pieces.push(part.subarray(at, at + MAX_CALL_BYTES));
  return pieces;
}
