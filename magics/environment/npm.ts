// `npm`: the packages are installed on the cluster, by npm from a lock file and tarballs that are all brought: no registry is needed there. What is
// brought is what is installed here, patches and all; only what is bound to this kind of machine is built there again.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { INSTALL_FOLDER } from '../protocol/environment';
import { EnvironmentSetupError } from '../protocol/errors';
import { findNpm, ownFacts, platformTag, type HostFacts } from '../protocol/host-facts';
import { isObject } from '../protocol/shape';
import { TAR_END, tarHeader, tarPadding } from '../protocol/tar';
import type { ArchiveContent } from './archive';
import { label } from './bundle';
import { evidenceOfBinary } from './collect';
import { needOfPackage } from './elf';
import { misfit } from './fit';
import { filesOf, type InstalledPackage } from './installed';
import type { Look } from './look';
import type { EnvironmentMode, Wanted } from './mode';
import { layOut, type PlacedPackage } from './tree';
import { refuseUnbuilt } from './unbuilt';
import { fitTo, isFor, isOptional, refuseTooNew, type Fitted } from './variants';

export const npm: EnvironmentMode = {
  async prepare(wanted, signal) {
    const { roots, directory, looks, reason } = wanted;
    const host = await wanted.host();
    const kind = `npm ${platformTag(host)} ${host.libc} ${host.npm === undefined ? 'without npm' : ''}`;
    const archive = await looks.archive(
      roots,
      directory,
      { kind, fill: (look) => toRecipe(wanted, look, host, signal) },
      signal,
    );
    const { packages } = await looks.look(roots, directory);
    return { mode: 'npm', reason, archive, install: directory, packages: packages.map(label) };
  },
};

async function toRecipe(
  { roots, directory }: Wanted,
  { lookups }: Look,
  host: HostFacts,
  signal: AbortSignal,
): Promise<ArchiveContent> {
  const here = layOut(roots, directory, lookups);
  for (const one of here) if (!isOptional(one, here)) refuseUnbuilt(one.package, directory);
  const placed = await fitTo(host, here, directory, signal);
  const made = new Map<string, Buffer>();
  const lock: Record<string, unknown> = {};
  const tarballs = new Map<string, { resolved: string; integrity: string }>();
  const built = new Set(placed.filter((one) => isBuiltThere(one.package, host)).map((one) => one.package.folder));
  for (const one of placed) {
    const { folder } = one.package;
    const isBuilt = built.has(folder);
    const tarball = tarballs.get(folder) ?? (await addTarball(one, { directory, isBuilt, made }));
    tarballs.set(folder, tarball);
    lock[one.place] = toLockEntry(one, tarball, isBuilt);
  }
  const dependencies = Object.fromEntries(
    placed.filter(({ place, name }) => place === `node_modules/${name}`).map((one) => [one.name, versionOf(one)]),
  );
  const root = { name: 'cellburst-environment', version: '1.0.0', dependencies };
  const document = { ...root, lockfileVersion: 3, requires: true, packages: { '': root, ...lock } };
  made.set(join(directory, 'package.json'), toJson({ ...root, private: true }));
  made.set(join(directory, 'package-lock.json'), toJson(document));
  if (host.npm === undefined) bringNpm(directory, made);
  if (built.size > 0) bringHeaders(host, directory, made);
  return { files: [], links: [], made, directory };
}

interface Recipe {
  readonly directory: string;
  readonly isBuilt: boolean;
  readonly made: Map<string, Buffer>;
}

async function addTarball({ package: found, tarball }: Fitted, { directory, isBuilt, made }: Recipe) {
  const bytes = tarball ?? (await pack(found, isBuilt));
  const digest = createHash('sha512').update(bytes).digest();
  const name = `${(found.name ?? 'package').replace(/[^\w.-]+/g, '-')}-${digest.toString('hex').slice(0, 16)}.tgz`;
  made.set(join(directory, INSTALL_FOLDER, name), bytes);
  return { resolved: `file:${INSTALL_FOLDER}/${name}`, integrity: `sha512-${digest.toString('base64')}` };
}

function toLockEntry({ dependencies, package: found }: PlacedPackage, tarball: object, isBuilt: boolean) {
  return {
    version: found.version ?? '0.0.0',
    ...tarball,
    ...(isBuilt ? { hasInstallScript: true } : {}),
    ...(dependencies.size === 0 ? {} : { dependencies: Object.fromEntries(dependencies) }),
  };
}

function versionOf({ package: { version } }: PlacedPackage): string {
  return version ?? '0.0.0';
}

function toJson(document: object): Buffer {
  return Buffer.from(`${JSON.stringify(document, null, 2)}\n`);
}

/**
 * Has the package to be built where it runs? Binaries of here serve there when os, processor, C library and (without Node-API) Node's ABI are the same, and
 * the C library there is no older. Throws EnvironmentSetupError where they do not serve and nothing builds others.
 */
function isBuiltThere(found: InstalledPackage, host: HostFacts): boolean {
  const here = ownFacts();
  // It says itself what it is for, but for how old.
  if (found.machine !== undefined && isFor(found.machine, host)) {
    if (existsSync(found.folder)) refuseTooNew(found, needOfPackage(found.folder)?.glibc, host);
    return false;
  }
  const hasBinary =
    evidenceOfBinary(found) !== undefined || filesOf(found.folder).some((file) => file.endsWith('.node'));
  if (!hasBinary) return false;
  const why = misfit(here, host, found.usesNodeApi || found.machine !== undefined, needOfPackage(found.folder)?.glibc);
  if (why === undefined) return false;
  if (found.hasInstallScript || evidenceOfBinary(found)?.includes('binding.gyp') === true) return true;
  throw new EnvironmentSetupError(
    `${label({ name: found.name ?? found.folder, version: found.version })} has binaries for this machine (${platformTag(here)}, ${here.libc}), and they do not fit the cluster's (${platformTag(host)}, ${host.libc}): ${why}. Install it on the cluster yourself and take --env-mode none.`,
  );
}

/** Below the folder that Node is installed in. */
const HEADERS = join('include', 'node');

const LEVEL = 1;
/** What node-gyp makes; and what of it only the compiler needs, and the file for which npm would build again. */
const BUILT = /^build\//;
const NOT_NEEDED =
  /^build\/(.*\/)?(obj|obj\.target|\.deps)\/|^build\/.*\.(o|a|d|mk|gypi)$|^build\/Makefile$|^binding\.gyp$/;

/** A tarball as npm takes it. What is built already is not built again; what is built there leaves its builds of here. */
async function pack(found: InstalledPackage, isBuilt: boolean): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (const path of filesOf(found.folder)) {
    const name = relative(found.folder, path);
    if (isBuilt ? BUILT.test(name) : NOT_NEEDED.test(name)) continue;
    const content = name === 'package.json' && !isBuilt ? withoutScripts(readFileSync(path)) : readFileSync(path);
    const isExecutable = (statSync(path).mode & 0o100) !== 0;
    parts.push(tarHeader({ kind: 'file', path: `package/${name}`, isExecutable, size: content.length }));
    parts.push(content, tarPadding(content.length));
  }
  parts.push(TAR_END);
  return await promisify(gzip)(Buffer.concat(parts), { level: LEVEL });
}

/** Its scripts ran here when it was installed, and what they made travels. */
function withoutScripts(source: Buffer): Buffer {
  const manifest: unknown = JSON.parse(source.toString('utf8'));
  if (!isObject(manifest)) return source;
  const { scripts, ...rest } = manifest;
  return scripts === undefined ? source : toJson({ ...rest, gypfile: false });
}

/** For a cluster that has Node alone. */
function bringNpm(directory: string, made: Map<string, Buffer>): void {
  const program = findNpm();
  if (program === undefined)
    throw new EnvironmentSetupError('Neither this machine nor the cluster has npm. Install it on one of them.');
  const folder = join(program, '..', '..');
  for (const path of filesOf(folder, { deep: true }))
    made.set(join(directory, INSTALL_FOLDER, 'npm', relative(folder, path)), readFileSync(path));
}

/** What add-ons are compiled with, for the same Node where it was brought: that is the program alone. Those of OpenSSL are ten times the rest, and hardly asked for. */
function bringHeaders(host: HostFacts, directory: string, made: Map<string, Buffer>): void {
  const folder = join(dirname(dirname(process.execPath)), HEADERS);
  if (host.node !== process.versions.node || !existsSync(join(folder, 'node.h'))) return;
  for (const path of filesOf(folder)) {
    const name = relative(folder, path);
    if (!name.startsWith('openssl')) made.set(join(directory, INSTALL_FOLDER, HEADERS, name), readFileSync(path));
  }
}
