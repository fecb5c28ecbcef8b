// Packages that come in a variant for each kind of machine (sharp, esbuild, swc): the one of here is no use on another kind, and the one for there is not
// installed here. It is fetched by the user's own npm, from wherever that is told to; nothing is asked when both machines are of one kind.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { latestNeed, mayBeBinary, needOf, type BinaryNeed } from './elf';
import { isOlder } from './fit';
import { EnvironmentSetupError, messageOf } from '../protocol/errors';
import { findNpm, ownFacts, platformTag, type HostFacts } from '../protocol/host-facts';
import { TarReader } from '../protocol/tar';
import { parseManifest, type InstalledPackage, type Machine } from './installed';
import type { PlacedPackage } from './tree';

/** Of a package that npm has fetched: the archive as it came. */
export interface Fitted extends PlacedPackage {
  readonly tarball?: Buffer;
}

const FETCH_MS = 120_000;

/** Is a package that says what it is for one for this machine? An empty list leaves it open; `!win32` leaves one out. */
export function isFor({ os, cpu, libc }: Machine, host: HostFacts): boolean {
  const [family = ''] = host.libc.split(' ');
  return allows(os, host.os) && allows(cpu, host.arch) && (family === '' || allows(libc, family));
}

function allows(list: readonly string[], word: string): boolean {
  const [refused, named] = [list.filter((each) => each.startsWith('!')), list.filter((each) => !each.startsWith('!'))];
  return !refused.includes(`!${word}`) && (named.length === 0 || named.includes(word));
}

/** The same layout with the variants for `host`. Throws EnvironmentSetupError when there is none to be had. */
export async function fitTo(
  host: HostFacts,
  placed: readonly PlacedPackage[],
  directory: string,
  signal: AbortSignal,
): Promise<readonly Fitted[]> {
  const here = ownFacts();
  const kind = ({ os, arch, libc }: HostFacts) => [os, arch, libc.split(' ')[0]].join('-');
  if (kind(here) === kind(host)) return placed;
  const fitted = new Map<string, Fitted>();
  const dropped = new Set<PlacedPackage>();
  for (const one of placed) {
    const { machine } = one.package;
    if (machine !== undefined && !isFor(machine, host) && isOptional(one, placed)) dropped.add(one);
    else fitted.set(one.place, { ...one, dependencies: new Map(one.dependencies) });
  }
  for (const one of [...fitted.values()]) {
    const gone = [...dropped].filter(({ name }) => one.package.optional[name] !== undefined);
    const names = new Map(one.dependencies);
    for (const { name } of gone) names.delete(name);
    fitted.set(one.place, { ...one, dependencies: names });
    if (gone.length === 0) continue;
    const found = await addVariants(one.package, { host, fitted, directory, beside: 'node_modules' }, signal);
    if (found.length === 0)
      throw new EnvironmentSetupError(
        `${labelOf(one.package)} has a binary for each kind of machine, and none for the cluster's (${kind(host)}). Take another package, or install it on the cluster yourself and take --env-mode none.`,
      );
    fitted.set(one.place, { ...one, dependencies: new Map([...names, ...found]) });
  }
  return [...fitted.values()].sort((a, b) => (a.place < b.place ? -1 : 1));
}

/** Everybody who asks for it can do without. */
export function isOptional({ name }: PlacedPackage, placed: readonly PlacedPackage[]): boolean {
  const askers = placed.filter(({ dependencies }) => dependencies.has(name));
  return askers.length > 0 && askers.every(({ package: { optional } }) => optional[name] !== undefined);
}

interface Wanted {
  readonly host: HostFacts;
  readonly fitted: Map<string, Fitted>;
  readonly directory: string;
  /** The folder of node_modules where they go: variants find each other as neighbours. */
  readonly beside: string;
}

/** Those of its optional packages that are for the host, with what they in turn come with. Gives names and versions. */
async function addVariants(
  { optional }: Pick<InstalledPackage, 'optional'>,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<[name: string, version: string][]> {
  const { host, fitted, directory, beside } = wanted;
  const found: [string, string][] = [];
  for (const [name, range] of Object.entries(optional).filter(([name]) => mayBeFor(name, host))) {
    const place = `${beside}/${name}`;
    const known = fitted.get(place);
    if (known !== undefined) {
      found.push([name, known.package.version ?? '0.0.0']);
      continue;
    }
    const tarball = await fetchPackage(`${name}@${range}`, directory, host, signal);
    const { variant, glibc } = readVariant(tarball, name, host.arch);
    if (variant.machine !== undefined && !isFor(variant.machine, host)) continue;
    refuseTooNew(variant, glibc, host);
    fitted.set(place, { place, name, package: variant, dependencies: new Map(), tarball });
    const more = await addVariants(variant, wanted, signal);
    fitted.set(place, { place, name, package: variant, dependencies: new Map(more), tarball });
    found.push([name, variant.version ?? '0.0.0']);
  }
  return found;
}

/** By its name, to spare the registry questions about all others; its package.json decides. */
function mayBeFor(name: string, { os, arch, libc }: HostFacts): boolean {
  const words = basename(name) + dirname(name);
  const isOfOther = libc.startsWith('glibc') ? words.includes('musl') : libc === 'musl' && /-gnu/.test(words);
  return !isOfOther && words.includes(os) && new RegExp(`(^|[^a-z0-9])${arch}([^a-z0-9]|$)`).test(words);
}

async function fetchPackage(wanted: string, directory: string, host: HostFacts, signal: AbortSignal): Promise<Buffer> {
  const npm = findNpm();
  const what = `The cluster is ${platformTag(host)}, and ${wanted}, which is for such machines, is not installed here`;
  if (npm === undefined) throw new EnvironmentSetupError(`${what}; there is no npm on this machine to fetch it.`);
  const folder = mkdtempSync(join(tmpdir(), 'cellburst-fetch-'));
  try {
    // In the project's folder: its .npmrc counts.
    const args = [npm, 'pack', wanted, '--loglevel=error', '--pack-destination', folder];
    await promisify(execFile)(process.execPath, args, { cwd: directory, timeout: FETCH_MS, signal });
    const [name = ''] = readdirSync(folder);
    return readFileSync(join(folder, name));
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new EnvironmentSetupError(
      `${what}; npm cannot fetch it: ${lastWords(cause)} Is a registry reached from here (npm ping)? Else install the package on the cluster yourself and take --env-mode none.`,
      { cause },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function lastWords(cause: unknown): string {
  const lines = messageOf(cause)
    .split('\n')
    .filter((line) => line.trim() !== '');
  return `${lines.slice(-3).join(' ').slice(0, 500)}.`;
}

/** `glibc`: what its binaries need. */
function readVariant(tarball: Buffer, name: string, arch: string): { variant: InstalledPackage; glibc?: string } {
  let manifestText = '';
  const needs: (BinaryNeed | undefined)[] = [];
  const reader = new TarReader({
    file: (path) => {
      const pieces: Buffer[] = [];
      const isManifest = /^[^/]+\/package\.json$/.test(path);
      return {
        write: (bytes) => {
          if (isManifest || mayBeBinary(path)) pieces.push(Buffer.from(bytes));
        },
        close: () => {
          const whole = Buffer.concat(pieces);
          if (isManifest) manifestText = whole.toString('utf8');
          else needs.push(needOf((offset, length) => whole.subarray(offset, offset + length), arch));
        },
      };
    },
    link: () => undefined,
  });
  reader.push(gunzipSync(tarball));
  const manifest = parseManifest(manifestText);
  if (manifest === undefined) throw new EnvironmentSetupError(`The package ${name} that npm has fetched is damaged.`);
  const variant = { ...manifest, folder: `npm:${name}@${manifest.version ?? ''}` };
  const need = latestNeed(needs);
  return need === undefined ? { variant } : { variant, glibc: need.glibc };
}

/** A variant tells its C library, and not how old that may be. Throws EnvironmentSetupError. */
export function refuseTooNew(variant: InstalledPackage, glibc: string | undefined, host: HostFacts): void {
  const [family, version = ''] = host.libc.split(' ');
  if (glibc === undefined || glibc === '' || family !== 'glibc' || !isOlder(version, glibc)) return;
  throw new EnvironmentSetupError(
    `${labelOf(variant)} needs glibc ${glibc} or later, and the cluster has ${version}. Install an older version of the package that it belongs to, or run the cell in an image (--container).`,
  );
}

function labelOf({ name, version, folder }: InstalledPackage): string {
  return [name ?? folder, version].filter(Boolean).join(' ');
}
