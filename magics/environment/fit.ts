// Does what was built for one machine run on another?
import type { HostFacts } from '../protocol/host-facts';

/**
 * Why a binary of `here` does not run `there`; undefined: it does. `isFree`: it goes by Node-API, the same for every Node. `glibc`: the oldest that it runs
 * with, '' where it needs none; when that is not known, the one of here.
 */
export function misfit(here: HostFacts, there: HostFacts, isFree: boolean, glibc?: string): string | undefined {
  if (here.os !== there.os) return `${here.os} is not ${there.os}`;
  if (here.arch !== there.arch) return `${here.arch} is not ${there.arch}`;
  const [family = '', version = ''] = here.libc.split(' ');
  const [familyThere = '', versionThere = ''] = there.libc.split(' ');
  if (family !== familyThere) return `the C library is ${there.libc} there`;
  const isKnown = family === 'glibc' && glibc !== undefined;
  if (isKnown && isOlder(versionThere, glibc)) return `it needs glibc ${glibc} or later, and there is ${versionThere}`;
  if (!isKnown && isOlder(versionThere, version)) return `the C library there is older (${there.libc})`;
  return here.abi === there.abi || isFree ? undefined : `Node.js ${there.node} has another ABI than ${here.node}`;
}

/** Is `a` older than `b`? Versions as `2.36`. */
export function isOlder(a: string, b: string): boolean {
  const [left = [], right = []] = [a, b].map((version) => version.split('.').map(Number));
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
