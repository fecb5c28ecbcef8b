// Which program has installed the packages of a folder, as its lock file tells: what a person is told to run has to be that one.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

export type PackageManager = 'npm' | 'pnpm' | 'yarn';

export interface LockFile {
  /** Absolute. */
  readonly path: string;
  readonly manager: PackageManager;
}

const LOCK_FILES = [
  ['package-lock.json', 'npm'],
  ['npm-shrinkwrap.json', 'npm'],
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
] as const;
/** "PnP Specification", yarnpkg.com: what stands for node_modules there. */
const PLUG_AND_PLAY = '.pnp.cjs';

/** The nearest upwards: the lock file of a workspace stands above its packages. */
export function findLockFile(from: string): LockFile | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = LOCK_FILES.find(([name]) => existsSync(join(folder, name)));
    if (found !== undefined) return { path: join(folder, found[0]), manager: found[1] };
    if (folder === dirname(folder)) return undefined;
  }
}

/** Are the packages of a folder where Node finds none? Then what to do about it. */
export function tellPlugAndPlay(from: string): string | undefined {
  const lock = findLockFile(from);
  if (lock?.manager !== 'yarn' || !existsSync(join(dirname(lock.path), PLUG_AND_PLAY))) return undefined;
  return `The packages of ${dirname(lock.path)} are installed by Yarn's Plug'n'Play, without node_modules, where Node.js looks for them. Run: yarn config set nodeLinker node-modules && yarn install`;
}

/** What adds a package: a line for the top of a cell. */
export function additionOf(name: string, from: string): string {
  const manager = findLockFile(from)?.manager ?? 'npm';
  return manager === 'npm' ? `%npm install ${name}` : `!${manager} add ${name}`;
}
