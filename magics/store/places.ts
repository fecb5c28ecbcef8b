// The files of the store.
import { join } from 'node:path';
import type { ContentKind } from '../protocol/chunks';

export const LIST = 'list';

export const contentFile = (directory: string, id: string): string => join(directory, `${id}.content`);
export const listFile = (directory: string, id: string, kind: ContentKind): string =>
  join(directory, `${id}.${kind}.${LIST}`);
/** Grows to the content, chunk by chunk, in any order. */
export const arrivalFile = (directory: string, id: string): string => join(directory, `${id}.arriving`);
/** Which chunks have arrived: u32 each. */
export const journalFile = (directory: string, id: string): string => join(directory, `${id}.journal`);
