// Packages that come in a variant for each kind of machine (sharp, esbuild, swc): the one of here is no use on another kind, and the one for there is not
// installed here. It is fetched by the user's own npm, from wherever that is told to; nothing is asked when both machines are of one kind.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
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
function isOptional({ name }: PlacedPackage, placed: readonly PlacedPackage[]): boolean {
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
    const variant = manifestOf(tarball, name);
    if (variant.machine !== undefined && !isFor(variant.machine, host)) continue;
    fitted.set(place, { place, name, package: variant, dependencies: new Map(), tarball });
    const more = await addVariants(variant, wanted, signal);
    fitted.set(place, { place, name, package: variant, dependencies: new Map(more), tarball });
    found.push([name, variant.version ?? '0.0.0']);
  }
  return found;
}

/** By its name, to spare the registry questions about all others; its package.json decides. */
function mayBeFor(name: string, { os, arch }: HostFacts): boolean {
  const words = basename(name) + dirname(name);
  return words.includes(os) && new RegExp(`(^|[^a-z0-9])${arch}([^a-z0-9]|$)`).test(words);
}

async function fetchPackage(wanted: string, directory: string, host: HostFacts, signal: AbortSignal): Promise<Buffer> {
  const npm = findNpm();
  const what = `The cluster is ${platformTag(host)}, and ${wanted}, which is for such machines, is not installed here`;
  if (npm === undefined) throw new EnvironmentSetupError(`${what}; there is no npm on this machine to fetch it.`);
  const folder = mkdtempSync(join(tmpdir(), 'cellburst-fetch-'));
  try {
    // In the project's folder: its .npmrc counts.
    const args = [npm, 'pack', wanted, '--silent', '--pack-destination', folder];
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

function manifestOf(tarball: Buffer, name: string): InstalledPackage {
  let text = '';
  const reader = new TarReader({
    file: (path) => ({
      write: (bytes) => {
        if (/^[^/]+\/package\.json$/.test(path)) text += Buffer.from(bytes).toString('utf8');
      },
      close: () => undefined,
    }),
    link: () => undefined,
  });
  reader.push(gunzipSync(tarball));
  const manifest = parseManifest(text);
  if (manifest === undefined) throw new EnvironmentSetupError(`The package ${name} that npm has fetched is damaged.`);
  return { ...manifest, folder: `npm:${name}@${manifest.version ?? ''}` };
}

function labelOf({ name, version, folder }: InstalledPackage): string {
  return [name ?? folder, version].filter(Boolean).join(' ');
}
