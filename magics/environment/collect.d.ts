import { type Link } from './installed';
import type { Reached } from './reach';
export interface CollectedPackage {
  readonly name: string;
  readonly version: string | undefined;
  /** Real path at home. */
  readonly folder: string;
  /** Why all of it travels, not only what is reached. */
  readonly wholeBecause: string | undefined;
  /** Why it is bound to a kind of machine. */
  readonly nativeBecause: string | undefined;
}
export interface Collected {
  /** Absolute paths, sorted. */
  readonly files: readonly string[];
  readonly links: readonly Link[];
  /** Sorted by name. */
  readonly packages: readonly CollectedPackage[];
}
/** Reads the reached files; throws what the system throws for one that cannot be read. */
export declare function collect(reached: Reached): Collected;
