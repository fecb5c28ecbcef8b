// What a notebook ran with, written beside it, so that whoever runs it later can tell what has changed.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ModuleRoot } from '../protocol/environment';
import { writeWhole } from '../protocol/files';
import { count, listOf, mapOf, parseJson, record, text, type Shaped } from '../protocol/shape';
import { Installed, findPackage } from './installed';
import { restoreBy } from './lock-files';
import { packageName } from './reach';
import type { EnvironmentSpec } from './spec';

const LOCK_VERSION = 1;

const lockShape = record(
  {
    version: count,
    digest: text,
    node: text,
    platform: text,
    packages: listOf(record({ place: text, version: text })),
  },
  {
    /** That of the project, by its name and SHA-256: while it is the same, its manager brings everything back. */
    lockFile: record({ name: text, sha256: text }),
    variables: mapOf(text),
  },
);
export type EnvironmentLock = Shaped<typeof lockShape>;

/** `report.cellburst-lock.json` for `report.ipynb`. */
export function lockPath(directory: string, notebook: string | undefined): string {
  const stem = notebook === undefined ? '' : `${basename(notebook).replace(/\.ipynb$/, '')}.`;
  return join(directory, `${stem}cellburst-lock.json`);
}

export function writeLock(path: string, { digest, host, packages, project, variables }: EnvironmentSpec): void {
  const lock: EnvironmentLock = {
    version: LOCK_VERSION,
    digest,
    node: host.node,
    platform: [host.os, host.arch, host.libc].filter(Boolean).join(' '),
    packages: packages.map(({ place, version }) => ({ place, version })),
    ...(project?.lockFile === undefined ? {} : { lockFile: identify(project.lockFile) }),
    ...(Object.keys(variables).length === 0 ? {} : { variables }),
  };
  writeWhole(path, `${JSON.stringify(lock, null, 2)}\n`);
}

function identify(path: string): { readonly name: string; readonly sha256: string } {
  return { name: basename(path), sha256: createHash('sha256').update(readFileSync(path)).digest('hex') };
}

/** The line that installs again what was locked; undefined: it is all here. */
export function restoreLine(lock: EnvironmentLock, { packages, project }: EnvironmentSpec): string | undefined {
  const now = new Map(packages.map(({ place, version }) => [place, version]));
  const lost = lock.packages.filter(({ place, version }) => now.get(place) !== version);
  if (lost.length === 0) return undefined;
  const { lockFile, manager } = project ?? {};
  if (lockFile !== undefined && manager !== undefined && identify(lockFile).sha256 === lock.lockFile?.sha256)
    return restoreBy(manager, readFileSync(lockFile, 'utf8'));
  const top = lost.flatMap(({ place, version }) => {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(place)?.[1];
    return name === undefined ? [] : [`${name}@${version}`];
  });
  if (top.length === 0) return undefined;
  if (manager === undefined || manager === 'npm') return `%npm install --no-save ${top.join(' ')}`;
  // What it names becomes the project's own: only what is.
  const asked = new Installed().manifestIn(project?.directory ?? '')?.dependencies ?? [];
  const own = top.filter((one) => asked.includes(one.slice(0, one.lastIndexOf('@'))));
  return own.length === 0 ? undefined : `!${manager} add ${own.join(' ')}`;
}

/** What a cell loads by name, against the lock: a few files are read. One line for each difference. */
export function compareRoots(lock: EnvironmentLock, roots: readonly ModuleRoot[], directory: string): string[] {
  const then = new Map(lock.packages.map(({ place, version }) => [place, version]));
  const installed = new Installed();
  const names = new Set(roots.map(({ specifier }) => packageName(specifier)).filter((name) => name !== undefined));
  return [...names].flatMap((name) => {
    const locked = then.get(`node_modules/${name}`);
    const place = findPackage(name, directory);
    const version = place === undefined ? undefined : installed.manifestIn(place)?.version;
    return locked === undefined || version === undefined || locked === version
      ? []
      : [`${name} is ${version}, and ${locked} when it was locked`];
  });
}

/** undefined: there is none. Throws ProtocolError for a file that is none. */
export function readLock(path: string): EnvironmentLock | undefined {
  return existsSync(path) ? parseJson(readFileSync(path, 'utf8'), lockShape, path) : undefined;
}

/** One line for each difference: `node_modules/yaml: 2.9.1 here, 2.8.0 when it was locked`. */
export function compareLock(lock: EnvironmentLock, { host, packages, variables }: EnvironmentSpec): string[] {
  const now = new Map(packages.map(({ place, version }) => [place, version]));
  const then = new Map(lock.packages.map(({ place, version }) => [place, version]));
  const places = [...new Set([...now.keys(), ...then.keys()])].sort();
  const changes = places
    .filter((place) => now.get(place) !== then.get(place))
    .map(
      (place) => `${place}: ${now.get(place) ?? 'nothing'} here, ${then.get(place) ?? 'nothing'} when it was locked`,
    );
  const platform = [host.os, host.arch, host.libc].filter(Boolean).join(' ');
  return [
    ...(host.node === lock.node ? [] : [`Node.js: ${host.node} here, ${lock.node} when it was locked`]),
    ...(platform === lock.platform ? [] : [`machine: ${platform} here, ${lock.platform} when it was locked`]),
    ...compareVariables(lock.variables ?? {}, variables),
    ...changes,
  ];
}

function compareVariables(then: EnvironmentSpec['variables'], now: EnvironmentSpec['variables']): string[] {
  return [...new Set([...Object.keys(then), ...Object.keys(now)])].sort().flatMap((name) => {
    const [before, after] = [then, now].map((all) => (Object.hasOwn(all, name) ? all[name] : undefined));
    return before === after ? [] : [`${name}: ${after ?? 'not set'} here, ${before ?? 'not set'} when it was locked`];
  });
}
