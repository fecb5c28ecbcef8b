// The parts of a container file, for whoever sends it in chunks: skeleton, then each large blob. Told by its header and table alone, and only where
// the file can be cut: a reader checks everything again.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { blobPlaces, type BlobPlace } from './container';

export interface ContainerSections {
  /** Bytes of the file. */
  readonly bytes: number;
  /** Large enough to be cut by themselves; ascending, without overlaps. What lies between them is skeleton, padding and small blobs. */
  readonly blobs: readonly BlobPlace[];
}

/** undefined: this is no container, or a damaged one. Throws what the system throws. */
export function readSections(path: string, leastBytes: number): ContainerSections | undefined {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const blobs = blobPlaces(size, (position, bytes) => {
      const into = Buffer.alloc(bytes);
      let at = 0;
      for (let read = -1; at < bytes && read !== 0; at += read)
        read = readSync(file, into, at, bytes - at, position + at);
      return into;
    });
    return blobs && { bytes: size, blobs: blobs.filter(({ bytes }) => bytes >= leastBytes) };
  } finally {
    closeSync(file);
  }
}
