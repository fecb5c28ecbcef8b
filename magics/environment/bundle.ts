// `bundle`: what the cell reaches travels as it is, in one archive. No registry is asked, and nothing is built on the cluster.
import { EnvironmentSetupError } from '../protocol/errors';
import type { ModuleRoot } from '../protocol/environment';
import type { CollectedPackage } from './collect';
import type { EnvironmentMode } from './mode';
import { packageName } from './reach';
import { layOut } from './tree';

export const bundle: EnvironmentMode = {
  async prepare({ roots, directory, looks, reason }, signal) {
    const look = await looks.look(roots, directory);
    const [native] = look.packages.filter(isNative);
    if (native !== undefined)
      throw new EnvironmentSetupError(
        `Cannot bundle ${label(native)}${askerOf(native, roots, directory)}: ${native.nativeBecause ?? ''}, and this machine's binary need not run on the cluster. Take --env-mode npm, which installs it there.`,
      );
    if (look.unreadable !== undefined) throw look.unreadable;
    const archive = await looks.archive(
      roots,
      directory,
      { kind: 'bundle', fill: (all) => ({ ...all, directory }) },
      signal,
    );
    return { mode: 'bundle', reason, archive, packages: look.packages.map(label) };
  },
};

/** The variant for a kind of machine is nothing that anybody has named. */
function askerOf({ folder }: CollectedPackage, roots: readonly ModuleRoot[], directory: string): string {
  const asker = roots.find((root) => layOut([root], directory, []).some((one) => one.package.folder === folder));
  const name = asker === undefined ? undefined : packageName(asker.specifier);
  return name === undefined || folder.endsWith(`/${name}`) ? '' : `, which comes with ${name}`;
}

export function isNative({ nativeBecause }: CollectedPackage): boolean {
  return nativeBecause !== undefined;
}

/** `lodash 4.17.21`. */
export function label({ name, version }: Pick<CollectedPackage, 'name' | 'version'>): string {
  return version === undefined ? name : `${name} ${version}`;
}
