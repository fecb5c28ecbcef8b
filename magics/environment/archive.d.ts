import { type ArchiveReference } from '../protocol/environment';
import type { Link } from './installed';
export interface ArchiveContent {
  /** Absolute paths. */
  readonly files: readonly string[];
  readonly links: readonly Link[];
  /** The notebook's folder: what is imported is imported as from there. */
  readonly directory: string;
}
/** Writes the archive if it is not there. What the system throws says why it cannot be: a full disk, a file that is gone meanwhile. */
export declare function writeArchive(
  content: ArchiveContent,
  state: string,
  signal: AbortSignal,
): Promise<ArchiveReference>;
/** Is what was written still there? */
export declare function hasArchive(state: string, { sha256, bytes }: ArchiveReference): boolean;
