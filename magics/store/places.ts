// The files of the store.
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeList, type ChunkList, type ContentKind } from '../protocol/chunks';

export const LIST = 'list';

export const contentFile = (directory: string, id: string): string => join(directory, `${id}.content`);
export const listFile = (directory: string, id: string, kind: ContentKind): string =>
  join(directory, `${id}.${kind}.${LIST}`);
/** Where a content lies that is a file of somebody's. */
export const lentFile = (directory: string, id: string): string => join(directory, `${id}.lent`);
/** Grows to the content, chunk by chunk, in any order. A link, where that happens beside its place. */
export const arrivalFile = (directory: string, id: string): string => join(directory, `${id}.arriving`);
/** Which chunks have arrived: u32 each. */
export const journalFile = (directory: string, id: string): string => join(directory, `${id}.journal`);

/** The list of a content. It is what makes the content known. */
export function writeList(directory: string, id: string, list: ChunkList): void {
  writeNote(listFile(directory, id, list.kind), encodeList(list));
}

/** Whole, by rename, and not synced: what a crash has cut is found by its digest or its form, and only has to be sent again. */
export function writeNote(path: string, bytes: Buffer | string): void {
  const part = `${path}.part`;
  writeFileSync(part, bytes, { mode: 0o600 });
  renameSync(part, path);
}
