// Chores of line magics (magics/protocol/chores.ts), done where the variables, the environment and the working directory of cells are.
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { inspect } from 'node:util';
import { getHeapStatistics } from 'node:v8';
import type { Chore, Chores, EnvironmentChange, MemoryUse, NamedValue } from '../../magics/protocol/chores';
import { messageOf, UsageError } from '../../magics/protocol/errors';
import type { Realm } from '../../magics/realm';
import type { OutputSink } from '../../magics/realm/output';
import type * as Files from './files';
import { runProgram } from './programs';

export interface ChoreSetting {
  readonly realm: Realm;
  /** Output of the cell that asks. */
  readonly sink: OutputSink;
  /** Aborted by an interrupt. */
  readonly signal: AbortSignal;
}

type Answer = Chores[Chore['name']]['answer'];

export function doChore({ name, question }: Chore, { realm, sink, signal }: ChoreSetting): Answer | Promise<Answer> {
  switch (name) {
    case 'run':
      return runProgram(question, sink, signal);
    case 'environment':
      return changeEnvironment(question);
    case 'directory':
      return { directory: changeDirectory(question.to) };
    case 'names':
      return realm.names().flatMap((each) => describeName(realm, each));
    case 'forget':
      return { names: realm.forget(question.names) };
    case 'memory':
      return memoryUse();
    case 'gather':
      return files().gatherFiles(question, signal);
    case 'land':
      return files().landFiles(question, signal);
  }
}

/** Loaded when a cell has to do with files: most never have. */
function files(): typeof Files {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- import() would want a suffix that the bundle has not
  return require('./files') as typeof Files;
}

function changeEnvironment({ set = {}, unset = [] }: EnvironmentChange): Record<string, string> {
  for (const name of unset) Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, set);
  return Object.fromEntries(Object.entries(process.env).map(([name, value = '']) => [name, value]));
}

function changeDirectory(to: string | undefined): string {
  if (to === undefined) return process.cwd();
  const wanted = resolve(to);
  const found = statSync(wanted, { throwIfNoEntry: false });
  if (found === undefined) throw new UsageError(`Cannot go to ${wanted}: there is no such folder.`);
  if (!found.isDirectory()) throw new UsageError(`Cannot go to ${wanted}: it is a file.`);
  try {
    process.chdir(wanted);
  } catch (cause) {
    throw new UsageError(`Cannot go to ${wanted}: ${messageOf(cause)}`, { cause });
  }
  return process.cwd();
}

const SHOWN_LENGTH = 60;

/** A name whose value is not there any more is left out. */
function describeName(realm: Realm, name: string): NamedValue[] {
  const value = realm.get(name);
  const code = realm.origin(name);
  const kind = code?.declarations.find((declaration) => declaration.name === name)?.kind ?? 'value';
  return [
    {
      name,
      kind,
      type: typeOf(value),
      shown: shorten(value),
      ...(code === undefined ? {} : { execution: code.execution }),
    },
  ];
}

/** Whatever the value does when it is looked at, the list goes on. */
function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'function')
    return /^class\b/.test(Function.prototype.toString.call(value)) ? 'class' : 'function';
  if (typeof value !== 'object') return typeof value;
  try {
    const constructor: unknown = Reflect.get(value, 'constructor');
    const name = typeof constructor === 'function' ? constructor.name : 'object';
    const size: unknown =
      Array.isArray(value) || ArrayBuffer.isView(value) ? Reflect.get(value, 'length') : Reflect.get(value, 'size');
    return typeof size === 'number' ? `${name}(${size})` : name;
  } catch {
    // Its own getters throw: all there is to say is that it is one.
    return 'object';
  }
}

function shorten(value: unknown): string {
  let text: string;
  try {
    text = inspect(value, {
      depth: 1,
      maxArrayLength: 6,
      maxStringLength: SHOWN_LENGTH,
      breakLength: Infinity,
      compact: true,
    });
  } catch {
    // A custom inspect method threw.
    return '…';
  }
  const line = text.replace(/\s+/g, ' ');
  return line.length > SHOWN_LENGTH ? `${line.slice(0, SHOWN_LENGTH - 1)}…` : line;
}

function memoryUse(): MemoryUse {
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heapUsed, external, resident: rss, heapLimit: getHeapStatistics().heap_size_limit };
}
