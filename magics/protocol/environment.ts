// How a job comes by the packages that its code imports, as all sides speak of it.
import { count, listOf, oneOf, record, text, type Shape, type Shaped } from './shape';

/** A module that code of the notebook names. */
export interface ModuleRoot {
  readonly specifier: string;
  /** `import` and `require` may lead to different files of one package. */
  readonly kind: 'import' | 'require' | 'both';
}

/** Words of `--env-mode`. */
export const PACKAGE_MODES = ['none', 'bundle', 'npm'] as const;
export type PackageMode = (typeof PACKAGE_MODES)[number];

/** A file of the agent's store of environments, named by its content. */
export const archiveReference = record({ sha256: text, bytes: count });
export type ArchiveReference = Shaped<typeof archiveReference>;

/** Of a job: chosen by the client that submits it. */
const shape = record(
  {
    mode: oneOf(PACKAGE_MODES),
    /** Why this mode, for people. */
    reason: text,
  },
  {
    /** A tar.gz whose members are the files of the notebook's machine, by their absolute paths without the first slash. */
    archive: archiveReference,
    /** npm: the folder, absolute at home, in which the archive has a package.json and a lock file to be installed. */
    install: text,
    /** Names with versions, for people. */
    packages: listOf(text),
  },
);
export type JobPackages = Shaped<typeof shape>;
export const jobPackages: Shape<JobPackages> = shape;

/** What a runner is told: an archive to be unpacked, and what to install in it, before the cell starts. */
export const packageOrders = record({ archive: text, sha256: text }, { install: text });
export type PackageOrders = Shaped<typeof packageOrders>;

/** In the archive, in the folder to install in: tarballs, and npm itself where the cluster has none. */
export const INSTALL_FOLDER = '.cellburst-install';

/** In the archive, in the notebook's folder: a CommonJS module that is a function which imports as from there. */
export const IMPORT_FILE = '.cellburst-import.cjs';
export const IMPORT_TEXT = 'module.exports = (specifier, options) => import(specifier, options);\n';
