// The blobs of a graph that did not leave the process: read from where they are.
import { ProtocolError } from './errors';
import type { BlobSource } from './graph-decode';

export function memoryBlobs(blobs: readonly Uint8Array[]): BlobSource {
  return {
    lengths: blobs.map((blob) => blob.byteLength),
    read: (index, offset, into) => {
      const blob = blobs[index];
      if (blob === undefined || offset + into.byteLength > blob.byteLength)
        throw new ProtocolError('A graph has no such bytes.');
      into.set(blob.subarray(offset, offset + into.byteLength));
    },
  };
}
