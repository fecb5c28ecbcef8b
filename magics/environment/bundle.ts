// `bundle`: what the cell reaches travels as it is, in one archive. No registry is asked, and nothing is built on the cluster.
import { EnvironmentSetupError } from '../protocol/errors';
import type { CollectedPackage } from './collect';
import type { EnvironmentMode } from './mode';

export const bundle: EnvironmentMode = {
  async prepare({ roots, directory, looks, reason }, signal) {
    const look = await looks.look(roots, directory);
    const [native] = look.packages.filter(isNative);
    if (native !== undefined)
      throw new EnvironmentSetupError(
        `Cannot bundle ${label(native)}: ${native.nativeBecause ?? ''}, and this machine's binary need not run on the cluster. Take --env-mode npm, which installs it there.`,
      );
    const archive = await looks.archive(
      roots,
      directory,
      { kind: 'bundle', fill: (all) => ({ ...all, directory }) },
      signal,
    );
    return { mode: 'bundle', reason, archive, packages: look.packages.map(label) };
  },
};

export function isNative({ nativeBecause }: CollectedPackage): boolean {
  return nativeBecause !== undefined;
}

/** `lodash 4.17.21`. */
export function label({ name, version }: Pick<CollectedPackage, 'name' | 'version'>): string {
  return version === undefined ? name : `${name} ${version}`;
}
