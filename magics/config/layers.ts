// The config of a project over the user's own, key by key; each value remembers where it is written.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { UsageError } from '../protocol/errors';
import { didYouMean } from './nearest';
import type * as Parse from './parse';
import type { ConfigFile } from './parse';
import { RULES, type ClusterEntry, type WholeEntry } from './schema';

type Environment = Readonly<Record<string, string | undefined>>;

/** Beside a notebook or in a folder above it. */
export const PROJECT_FILE = 'cellburst.yaml';

/** `$XDG_CONFIG_HOME/cellburst/config.yaml`, or the place that CELLBURST_CONFIG names. */
export function configPath(env: Environment = process.env, home = homedir()): string {
  const named = env['CELLBURST_CONFIG'];
  if (named !== undefined && named !== '') return named;
  return join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'cellburst', 'config.yaml');
}

/** The nearest `cellburst.yaml` from a folder upwards, whether it may be used or not. */
export function projectPath(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const path = join(at, PROJECT_FILE);
    if (existsSync(path)) return path;
    if (at === dirname(at)) return undefined;
  }
}

/** What is written of one cluster, in all files. */
export interface WrittenCluster {
  readonly entry: WholeEntry;
  /** `file:line:column` by key: `host`, `defaults.cores`. */
  readonly places: ReadonlyMap<string, string>;
  /** Weakest first. */
  readonly files: readonly string[];
}

export interface Written {
  readonly clusters: ReadonlyMap<string, WrittenCluster>;
  readonly defaultCluster?: { readonly name: string; readonly place: string };
}

/**
 * Reads the user's config, and over it the project's, where there is one. `found` are clusters that need no entry; a file may add to them.
 * Throws UsageError with every mistake and its place.
 */
export function readWritten(
  user: string,
  project: string | undefined,
  found: ReadonlyMap<string, WholeEntry>,
): Written {
  const paths = [user, ...(project === undefined ? [] : [project])].filter((path) => existsSync(path));
  if (paths.length === 0) return { clusters: new Map() };
  // Only now: YAML takes 7 MB and some milliseconds, and most kernels have no config.
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- loading it later must not make everything wait
  const { configError, parseConfig } = require('./parse') as typeof Parse;
  const files = paths.map((path) => parseConfig(readFileSync(path, 'utf8'), path));
  const names = new Set(files.flatMap(({ clusters }) => Object.keys(clusters)));
  const mistakes: string[] = [];
  const clusters = new Map<string, WrittenCluster>();
  for (const name of names) {
    const { entry, ...rest } = merge(name, files, found.get(name));
    const broken = RULES.find((rule) => !rule.holds(entry));
    if (broken === undefined && isWhole(entry)) clusters.set(name, { entry, ...rest });
    else mistakes.push(`${whereBroken(name, broken?.keys ?? [], rest.places, files)}: ${broken?.message ?? ''}`);
  }
  const last = files.findLast(({ defaultCluster }) => defaultCluster !== undefined);
  const chosen = last?.defaultCluster;
  if (last === undefined || chosen === undefined) {
    if (mistakes.length > 0) throw configError(mistakes);
    return { clusters };
  }
  const place = last.placeOf(['default']);
  const known = ['local', ...new Set([...found.keys(), ...names])];
  if (!known.includes(chosen))
    mistakes.push(`${place}: there is no cluster ${JSON.stringify(chosen)}.${didYouMean(chosen, known)}`);
  if (mistakes.length > 0) throw configError(mistakes);
  return { clusters, defaultCluster: { name: chosen, place } };
}

function isWhole(entry: ClusterEntry): entry is WholeEntry {
  return entry.scheduler !== undefined;
}

function whereBroken(
  name: string,
  keys: readonly string[],
  places: ReadonlyMap<string, string>,
  files: readonly ConfigFile[],
): string {
  const written = keys.map((key) => places.get(key)).find((place) => place !== undefined);
  const file = files.findLast(({ clusters }) => Object.hasOwn(clusters, name));
  return written ?? file?.placeOf(['clusters', name]) ?? '';
}

/** Later files win, key by key. Lists are replaced, not joined: what a project's prologue is should be seen in one place. */
function merge(
  name: string,
  files: readonly ConfigFile[],
  found: WholeEntry | undefined,
): { entry: ClusterEntry; places: ReadonlyMap<string, string>; files: readonly string[] } {
  const places = new Map<string, string>();
  const used = files.filter(({ clusters }) => Object.hasOwn(clusters, name));
  let entry: ClusterEntry = found ?? {};
  for (const file of used) {
    const { partition, defaults = {}, poll = {}, ...own } = file.clusters[name] ?? {};
    const queue = own.queue ?? partition;
    for (const key of Object.keys(own)) places.set(key, file.placeOf(['clusters', name, key]));
    if (queue !== undefined)
      places.set('queue', file.placeOf(['clusters', name, partition === undefined ? 'queue' : 'partition']));
    for (const key of Object.keys(defaults))
      places.set(`defaults.${key}`, file.placeOf(['clusters', name, 'defaults', key]));
    for (const key of Object.keys(poll)) places.set(`poll.${key}`, file.placeOf(['clusters', name, 'poll', key]));
    entry = {
      ...entry,
      ...own,
      ...(queue === undefined ? {} : { queue }),
      defaults: { ...entry.defaults, ...defaults },
      poll: { ...entry.poll, ...poll },
    };
  }
  return { entry, places, files: used.map(({ path }) => path) };
}

/**
 * The project's file says what is run on clusters in the user's name, so it has to be the user's, root's, or of whoever owns the notebook's folder: in
 * /tmp anybody can put one above somebody else's notebook. Throws UsageError otherwise.
 */
export function trustedProject(folder: string): string | undefined {
  const path = projectPath(folder);
  if (path === undefined || process.getuid === undefined) return path;
  const { uid } = statSync(path);
  if ([process.getuid(), 0, statSync(folder).uid].includes(uid)) return path;
  throw new UsageError(
    `${path} belongs to another user (uid ${uid}), so it is not used: it could run commands in your name. Copy it beside your notebook if you trust it.`,
  );
}
