// Changes the person's config file for them, one cluster at a time: comments, order and everything else that they wrote stays as it was.
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { isMap, isScalar, parseDocument, Document } from 'yaml';
import * as z from 'zod';
import { ClusterError, messageOf, UsageError } from '../protocol/errors';
import { readAll } from './clusters';
import { configPath } from './layers';
import { parseConfig } from './parse';
import { clusterEntry, clusterName, configFile, RULES, type ClusterEntry } from './schema';

type Environment = Readonly<Record<string, string | undefined>>;
/** As it stands in the file. */
export type Entry = Readonly<Record<string, unknown>>;

export interface ConfigText {
  readonly path: string;
  readonly clusters: Readonly<Record<string, Entry>>;
  readonly defaultCluster?: string;
  readonly schema: unknown;
  readonly problem?: string;
}

export interface Mistake {
  readonly path: readonly string[];
  readonly message: string;
}

const parts = z.object({
  default: z.string().optional(),
  clusters: z.record(z.string(), z.looseObject({})).nullish(),
});

/** What is written, and what may be. */
export function readConfigText(env: Environment = process.env): ConfigText {
  const path = configPath(env);
  const schema = z.toJSONSchema(clusterEntry, { io: 'input', unrepresentable: 'any' });
  try {
    const source = existsSync(path) ? readFileSync(path, 'utf8') : '';
    parseConfig(source, path);
    const { clusters, default: defaultCluster } = parts.parse(parseDocument(source).toJS() ?? {});
    return { path, clusters: clusters ?? {}, schema, ...(defaultCluster === undefined ? {} : { defaultCluster }) };
  } catch (error) {
    return { path, clusters: {}, schema, problem: ClusterError.is(error) ? error.message : messageOf(error) };
  }
}

/** Writes one cluster's entry; keys that are not in it go. `was`: its name until now. Gives what keeps it from being written. */
export function saveCluster(
  name: string,
  entry: Entry,
  was: string | undefined,
  env: Environment = process.env,
): Mistake[] {
  const mistakes = check(name, entry, was, env);
  if (mistakes.length > 0) return mistakes;
  change(env, (document) => {
    if (was !== undefined && was !== name) rename(document, was, name);
    openClusters(document);
    write(document, ['clusters', name], entry);
  });
  return [];
}

/** Throws UsageError for the cluster that cells use which name none. */
export function removeCluster(name: string, env: Environment = process.env): void {
  const { clusters } = readConfigText(env);
  if (!Object.hasOwn(clusters, name))
    throw new UsageError(
      `There is no cluster ${JSON.stringify(name)} in ${configPath(env)}. A cluster that was found by itself has no entry to remove.`,
    );
  change(env, (document) => {
    document.deleteIn(['clusters', name]);
    if (document.get('default') === name) document.delete('default');
  });
}

/** Throws UsageError when there is no such cluster. */
export function setDefaultCluster(name: string, env: Environment = process.env): void {
  const { found, written } = readAll(env, undefined);
  if (name !== 'local' && !found.has(name) && !written.clusters.has(name))
    throw new UsageError(`There is no cluster ${JSON.stringify(name)}.`);
  change(env, (document) => {
    if (name === 'local') document.delete('default');
    else document.set('default', name);
  });
}

function check(name: string, entry: Entry, was: string | undefined, env: Environment): Mistake[] {
  const mistakes: Mistake[] = [];
  const named = clusterName.safeParse(name);
  if (!named.success) mistakes.push(...named.error.issues.map(({ message }) => ({ path: ['name'], message })));
  else if (name !== was && Object.hasOwn(readConfigText(env).clusters, name))
    mistakes.push({ path: ['name'], message: `there is a cluster ${name} already` });
  const parsed = clusterEntry.safeParse(entry);
  if (!parsed.success)
    return [...mistakes, ...parsed.error.issues.map(({ path, message }) => ({ path: path.map(String), message }))];
  // What was found by itself needs no scheduler in its entry.
  const whole: ClusterEntry = {
    ...readAll({ ...env, CELLBURST_CONFIG: '/dev/null' }, undefined).found.get(name)?.entry,
    ...parsed.data,
  };
  for (const rule of RULES) {
    if (rule.holds(whole)) continue;
    const key = rule.keys.find((candidate) => whole[candidate] !== undefined) ?? rule.keys[0];
    mistakes.push({ path: key === undefined ? [] : [key], message: rule.message });
  }
  return mistakes;
}

/** `clusters:` with nothing but comments below it is a value that nothing can be put into: it becomes a list, and they stay. */
function openClusters(document: Document): void {
  const empty: unknown = document.get('clusters', true);
  if (!isScalar(empty)) return;
  const clusters = document.createNode({});
  clusters.flow = false;
  if (typeof empty.comment === 'string') clusters.commentBefore = empty.comment;
  document.set('clusters', clusters);
}

function rename(document: Document, was: string, name: string): void {
  const clusters = document.get('clusters');
  if (!isMap(clusters)) return;
  for (const item of clusters.items) if (String(item.key) === was) item.key = document.createNode(name);
  if (document.get('default') === was) document.set('default', name);
}

/** Only what differs is touched: an amount that was written as `4 GB` stays so, with the comment beside it. */
function write(document: Document, path: readonly string[], wanted: Entry): void {
  const node = document.getIn(path);
  if (!isMap(node)) {
    document.setIn(path, document.createNode(wanted));
    return;
  }
  const now: unknown = node.toJS(document);
  const known = new Map(Object.entries(typeof now === 'object' && now !== null ? now : {}));
  for (const key of known.keys()) if (!Object.hasOwn(wanted, key)) node.delete(key);
  for (const [key, value] of Object.entries(wanted)) {
    if (JSON.stringify(known.get(key)) === JSON.stringify(value)) continue;
    if (isEntry(value) && isEntry(known.get(key))) write(document, [...path, key], value);
    else node.set(key, document.createNode(value));
  }
}

function isEntry(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Throws UsageError when the file cannot be read as it is, or would be wrong after. */
function change(env: Environment, edit: (document: Document) => void): void {
  const path = configPath(env);
  const source = existsSync(path) ? readFileSync(path, 'utf8') : '';
  parseConfig(source, path);
  const written = parseDocument(source);
  // A file of comments alone has nothing in it to change: they stay above.
  const document = written.contents === null ? new Document({}) : written;
  if (written.contents === null) document.commentBefore = written.commentBefore ?? written.comment;
  edit(document);
  const text = document.toString({ lineWidth: 0 });
  const left = configFile.safeParse(parseDocument(text).toJS());
  if (!left.success) throw new UsageError(`${path} would have a mistake: ${left.error.issues[0]?.message ?? ''}`);
  put(path, text);
}

/** Whole, under its own mode, and where a link leads to: many keep such files in a folder of their own. */
function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const real = existsSync(path) ? realpathSync(path) : path;
  const mode = existsSync(real) ? statSync(real).mode & 0o777 : 0o600;
  const part = `${real}.${process.pid}.part`;
  try {
    writeFileSync(part, text, { mode });
    renameSync(part, real);
  } catch (error) {
    rmSync(part, { force: true });
    throw new UsageError(`Cannot write ${path}: ${messageOf(error)}.`, { cause: error });
  }
}
