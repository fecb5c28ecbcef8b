export interface Manifest {
  readonly name: string | undefined;
  readonly version: string | undefined;
  /** Names it asks for at run time, optional ones and peers among them. */
  readonly dependencies: readonly string[];
  readonly hasInstallScript: boolean;
}
/** A package folder, by its real path. */
export interface InstalledPackage extends Manifest {
  readonly folder: string;
}
/** Reads of one look at the disk are shared. */
export declare class Installed {
  #private;
  /** undefined: there is no readable package.json. */
  manifestIn(folder: string): Manifest | undefined;
  /** The package whose file this is. */
  ownerOf(file: string): InstalledPackage | undefined;
  /** The folders between a file and its package that say how it is to be read: those with a package.json, the package's own among them. */
  manifestsAbove(file: string): string[];
  packageIn(folder: string): InstalledPackage | undefined;
}
/** Where Node finds a package from a folder: `…/node_modules/name`, whether a link or not; undefined: nowhere. */
export declare function findPackage(name: string, from: string): string | undefined;
export interface Link {
  readonly path: string;
  /** Absolute. */
  readonly target: string;
}
/** The symbolic links that a path leads through, in order, and where it ends. */
export declare function followLinks(path: string): {
  readonly links: readonly Link[];
  readonly end: string;
};
/** All files of a package but those of other packages, and those that no program reads. */
export declare function filesOf(folder: string): string[];
