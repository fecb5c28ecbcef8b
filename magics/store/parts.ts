// What a file is cut into, by what it is: a container by its blobs and its skeleton, any other file by its bytes.
import { statSync } from 'node:fs';
import { readSections } from '../protocol/container-sections';
import { ARRAY_CUT, FILE_CUT, RECORD_CUT, type Section } from './cutting';
import type { Part } from './source';

/** A shorter array is cut with what lies beside it. */
const ARRAY_BYTES = 64 * 1024;

/** A bundle or an envelope. Throws what the system throws. */
export function containerPart(path: string): Part {
  const found = readSections(path, ARRAY_BYTES);
  if (found === undefined) return filePart(path, statSync(path).size);
  const sections: Section[] = [];
  let at = 0;
  const between = (end: number): void => {
    if (end > at) sections.push({ offset: at, bytes: end - at, cut: RECORD_CUT });
  };
  for (const { offset, bytes } of found.blobs) {
    between(offset);
    sections.push({ offset, bytes, cut: ARRAY_CUT });
    at = offset + bytes;
  }
  between(found.bytes);
  return { kind: 'file', path, bytes: found.bytes, sections };
}

export function filePart(path: string, bytes: number): Part {
  return { kind: 'file', path, bytes, sections: [{ offset: 0, bytes, cut: FILE_CUT }] };
}
