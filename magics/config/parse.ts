// The text of a config file → clusters, or one error that shows every mistake where it stands.
import { LineCounter, isMap, isNode, isPair, isScalar, parseDocument, type Document } from 'yaml';
import type * as z from 'zod';
import { UsageError } from '../protocol/errors';
import { didYouMean } from './nearest';
import { clusterEntry, imageEntry, configFile, type ClusterEntry } from './schema';

const SHOWN = 5;
/** What people write who do not expect to be asked. */
const SECRET = /pass(?:word|phrase|wd)|secret|token|otp|pin$/i;

interface Mistake {
  readonly offset: number;
  readonly message: string;
}

type KeyPath = readonly (string | number)[];

/** What one file says. */
export interface ConfigFile {
  readonly path: string;
  readonly clusters: Readonly<Record<string, ClusterEntry>>;
  readonly defaultCluster?: string;
  /** `file:line:column` of a key, or of what it would stand in. */
  placeOf(keys: KeyPath): string;
}

/** Throws UsageError: `file:line:column: what is wrong`, a line for each mistake. */
export function parseConfig(text: string, path: string): ConfigFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const broken = document.errors.map(({ pos, message }): Mistake => ({ offset: pos[0], message }));
  if (broken.length > 0) throw toError(broken, lines, path);
  const parsed = configFile.safeParse(document.toJS() ?? {});
  if (parsed.success) {
    const { clusters, default: defaultCluster } = parsed.data;
    return {
      path,
      clusters: clusters ?? {},
      ...(defaultCluster === undefined ? {} : { defaultCluster }),
      placeOf: (keys) => placeAt(offsetOf(document, keys, 'key'), lines, path),
    };
  }
  throw toError(
    parsed.error.issues.flatMap((issue) => toMistakes(issue, document)),
    lines,
    path,
  );
}

function toError(mistakes: readonly Mistake[], lines: LineCounter, path: string): UsageError {
  return configError(mistakes.map(({ offset, message }) => `${placeAt(offset, lines, path)}: ${message}`));
}

/** Of `file:line:column: what is wrong`. */
export function configError(mistakes: readonly string[]): UsageError {
  const shown = mistakes.slice(0, SHOWN);
  const more = mistakes.length - shown.length;
  return new UsageError(
    ['The config of Cellburst has mistakes:', ...shown, ...(more > 0 ? [`… and ${more} more`] : [])].join('\n'),
  );
}

function placeAt(offset: number, lines: LineCounter, path: string): string {
  const { line, col } = lines.linePos(offset);
  return `${path}:${line}:${col}`;
}

type Issue = z.core.$ZodIssue;

function toMistakes(issue: Issue, document: Document): Mistake[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  const where = path.length === 0 ? '' : `${path.join('.')}: `;
  if (issue.code === 'unrecognized_keys') {
    const known = path.length === 0 ? Object.keys(configFile.shape) : knownKeys(path);
    return issue.keys.map((key) => ({
      offset: offsetOf(document, [...path, key], 'key'),
      message: `${where}there is no ${JSON.stringify(key)} here.${SECRET.test(key) ? ' Secrets belong in no file: what a host asks is asked for in the cell.' : didYouMean(key, known)}`,
    }));
  }
  if (issue.code === 'invalid_key')
    return [
      { offset: offsetOf(document, path, 'key'), message: issue.issues[0]?.message ?? 'this name cannot be used' },
    ];
  const given = document.getIn(path);
  const hint =
    issue.code === 'invalid_value' && typeof given === 'string' ? didYouMean(given, issue.values.map(String)) : '';
  return [
    {
      offset: offsetOf(document, path, issue.code === 'custom' && given === undefined ? 'key' : 'value'),
      message: `${where}${issue.message}${hint}`,
    },
  ];
}

/** `clusters.NAME.…` */
function knownKeys(path: KeyPath): readonly string[] {
  const { shape } = clusterEntry;
  if (path.length === 2) return Object.keys(shape);
  if (path.at(-1) === 'container') return Object.keys(imageEntry.shape);
  if (path.at(-1) === 'defaults') return Object.keys(shape.defaults.unwrap().shape);
  return path.at(-1) === 'poll' ? Object.keys(shape.poll.unwrap().shape) : [];
}

/** Where a key or its value begins; where that is not written, its parent. */
function offsetOf(document: Document, path: KeyPath, which: 'key' | 'value'): number {
  if (path.length === 0) return 0;
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  if (isMap(parent)) {
    const pair = parent.items.find(
      (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(last),
    );
    const node = which === 'value' && isNode(pair?.value) ? pair.value : pair?.key;
    if (isNode(node) && node.range) return node.range[0];
  }
  const node = document.getIn(path, true);
  if (isNode(node) && node.range) return node.range[0];
  return offsetOf(document, path.slice(0, -1), 'key');
}
