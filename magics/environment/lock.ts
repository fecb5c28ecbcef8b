// What a notebook ran with, written beside it, so that whoever runs it later can tell what has changed.
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { writeWhole } from '../protocol/files';
import { count, listOf, parseJson, record, text, type Shaped } from '../protocol/shape';
import type { EnvironmentSpec } from './spec';

const LOCK_VERSION = 1;

const lockShape = record({
  version: count,
  digest: text,
  node: text,
  platform: text,
  packages: listOf(record({ place: text, version: text })),
});
export type EnvironmentLock = Shaped<typeof lockShape>;

/** `report.cellburst-lock.json` for `report.ipynb`. */
export function lockPath(directory: string, notebook: string | undefined): string {
  const stem = notebook === undefined ? '' : `${basename(notebook).replace(/\.ipynb$/, '')}.`;
  return join(directory, `${stem}cellburst-lock.json`);
}

export function writeLock(path: string, { digest, host, packages }: EnvironmentSpec): void {
  const lock: EnvironmentLock = {
    version: LOCK_VERSION,
    digest,
    node: host.node,
    platform: [host.os, host.arch, host.libc].filter(Boolean).join(' '),
    packages: packages.map(({ place, version }) => ({ place, version })),
  };
  writeWhole(path, `${JSON.stringify(lock, null, 2)}\n`);
}

/** undefined: there is none. Throws ProtocolError for a file that is none. */
export function readLock(path: string): EnvironmentLock | undefined {
  return existsSync(path) ? parseJson(readFileSync(path, 'utf8'), lockShape, path) : undefined;
}

/** One line for each difference: `node_modules/yaml: 2.9.1 here, 2.8.0 when it was locked`. */
export function compareLock(lock: EnvironmentLock, { host, packages }: EnvironmentSpec): string[] {
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
    ...changes,
  ];
}
