import type { ModuleRoot } from '../protocol/environment';
export interface Reached {
  /** Real absolute paths, sorted. */
  readonly files: readonly string[];
  /** Where a package is asked for by name: which packages, from which folder. */
  readonly lookups: readonly {
    readonly name: string;
    readonly folder: string;
  }[];
  /** Specifiers that lead nowhere here either: code that tries them is expected to cope. */
  readonly missing: readonly string[];
}
/** Throws EnvironmentSetupError for a file that cannot be read as JavaScript. */
export declare function findReached(roots: readonly ModuleRoot[], directory: string): Promise<Reached>;
/** `@scope/name`, `name`; undefined for a path, a `#word` of a package's own, or a builtin. */
export declare function packageName(specifier: string): string | undefined;
