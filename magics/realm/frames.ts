// Stack frames in the user's terms: cells as `Cell [7]:2:9`, local modules at their source lines, nothing of ours or of Node's internals.
// One Error.prepareStackTrace for the main context; scripts announce themselves by `mapScript`.
import { dirname, sep } from 'node:path';
import { MARK } from '../protocol/code';
import { MAIN } from '../protocol/main-context';
import { Mappings } from './mappings';
import type { Position } from './mappings';

interface MappedScript {
  /** `Cell [7]`, or the path of a local module. */
  readonly label: string;
  /** Undefined: the position is shown as it is. */
  readonly locate: (generated: Position) => Position | undefined;
}

const TABLE = Symbol.for('cellburst.scripts');
// The folder of this very file: in a bundled program that is everything of ours.
const OWN_FOLDER = (typeof __filename === 'string' ? dirname(__filename) : '\0') + sep;

function scripts(): Map<string, MappedScript> {
  const known: unknown = Reflect.get(MAIN, TABLE);
  if (known !== undefined) return known as Map<string, MappedScript>;
  const fresh = new Map<string, MappedScript>();
  Object.defineProperty(MAIN, TABLE, { value: fresh });
  return fresh;
}

/** Frames of the script `filename` are shown as `label` at the positions its source map gives. */
export function mapScript(filename: string, label: string, mappings: string): void {
  let parsed: Mappings | undefined;
  placeScript(filename, label, (generated) => (parsed ??= new Mappings(mappings)).original(generated));
}

/** The same for a script whose positions are found in another way. */
export function placeScript(filename: string, label: string, locate: MappedScript['locate']): void {
  scripts().set(filename, { label, locate });
}

/** The position in the source of a script that is known; undefined for any other. */
export function positionIn(filename: string, generated: Position): Position | undefined {
  return scripts().get(filename)?.locate(generated);
}

const ROOT = Symbol.for('cellburst.packages');

/** Files below `root` are shown as those of the notebook's machine, whose root it stands for. */
export function placePackages(root: string): void {
  Object.defineProperty(MAIN, ROOT, { value: root, configurable: true });
}

/** Paths below the folder of unpacked packages as they are at home. */
export function withoutPackagesRoot(text: string): string {
  const root: unknown = Reflect.get(MAIN, ROOT);
  return typeof root === 'string' && text.includes(root) ? text.replaceAll(root, '') : text;
}

/** Names as the user typed them: V8's messages name the mangled bindings. */
export function withoutMarks(text: string): string {
  return text.includes(MARK) ? text.replaceAll(MARK, '') : text;
}

/** Makes stacks of the main context readable. Does nothing the second time. */
export function installFrames(): void {
  if (Object.getOwnPropertyDescriptor(MAIN.Error, 'prepareStackTrace')?.value === prepareStackTrace) return;
  Object.defineProperty(MAIN.Error, 'prepareStackTrace', {
    value: prepareStackTrace,
    writable: true,
    configurable: true,
    enumerable: true,
  });
}

function prepareStackTrace(error: unknown, frames: readonly NodeJS.CallSite[]): string {
  const lines = [headline(error)];
  for (const frame of frames) {
    const text = showFrame(frame);
    if (text !== undefined) lines.push(`    at ${text}`);
  }
  return lines.join('\n');
}

function headline(error: unknown): string {
  try {
    return withoutMarks(MAIN.Error.prototype.toString.call(error));
  } catch (cause) {
    return `Error (its name or message cannot be read: ${typeof cause})`;
  }
}

function showFrame(frame: NodeJS.CallSite): string | undefined {
  const file = frame.getFileName() ?? frame.getScriptNameOrSourceURL();
  if (isHidden(file)) return undefined;
  const script = file === null ? undefined : scripts().get(file);
  if (script === undefined) return withoutPackagesRoot(Reflect.apply(MAIN.String, undefined, [frame]));
  const generated = { line: (frame.getLineNumber() ?? 1) - 1, column: (frame.getColumnNumber() ?? 1) - 1 };
  const original = script.locate(generated) ?? generated;
  const place = `${script.label}:${original.line + 1}:${original.column + 1}`;
  const name = functionName(frame);
  const prefix = frame.isAsync() ? 'async ' : '';
  if (name === undefined) return `${prefix}${place}`;
  return `${prefix}${frame.isConstructor() ? 'new ' : ''}${name} (${place})`;
}

function isHidden(file: string | null | undefined): boolean {
  if (file === undefined || file === null) return false;
  return (
    file.startsWith('node:internal/') ||
    file === 'node:vm' ||
    file.startsWith('cellburst:') ||
    file.startsWith(OWN_FOLDER)
  );
}

function functionName(frame: NodeJS.CallSite): string | undefined {
  const name = frame.getFunctionName();
  if (name === null || name === '') return undefined;
  const type = frame.isToplevel() || frame.isConstructor() ? null : frame.getTypeName();
  const shown = type !== null && type !== 'Object' && !name.startsWith(type) ? `${type}.${name}` : name;
  return withoutMarks(shown);
}
