// Packages that are here without the binary they load: their install script was not let run (npm and pnpm ask first), or had no network. A job would find that
// out on its node, after it has waited in the queue.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EnvironmentSetupError } from '../protocol/errors';
import { findLockFile } from '../protocol/package-manager';
import { label } from './bundle';
import { filesOf, type InstalledPackage } from './installed';

/** Who depends on one of these finds its binary by it, and throws where there is none. */
const FINDERS = ['bindings', 'prebuild-install', 'node-pre-gyp', '@mapbox/node-pre-gyp'];

/** `directory` is the notebook's. Throws EnvironmentSetupError. */
export function refuseUnbuilt(found: InstalledPackage, directory: string): void {
  const { folder, dependencies, optional } = found;
  const finder = FINDERS.find((name) => dependencies.includes(name) && optional[name] === undefined);
  if (finder === undefined || !existsSync(join(folder, 'binding.gyp'))) return;
  if (filesOf(folder).some((file) => file.endsWith('.node'))) return;
  const name = found.name ?? folder;
  const isPnpm = findLockFile(directory)?.manager === 'pnpm';
  throw new EnvironmentSetupError(
    `${label({ name, version: found.version })} is installed here without its binary: its install script was not let run, or has failed. Run it here first: ${isPnpm ? `!pnpm rebuild ${name} (pnpm 10 wants pnpm approve-builds before)` : `%npm rebuild ${name} (npm 11 wants npm install-scripts approve before)`}.`,
  );
}
