// An error → what the notebook shows of it: name and message, the line of the cell it came from, the frames in cell lines.
// Frames are mapped and cleaned by the realm (Error.prepareStackTrace); here is only the form. Colours are ANSI; without them it reads the same.
import { inspect, stripVTControlCharacters } from 'node:util';
import { CELL_NUMBER, executionOf, MARK } from '../protocol/code';
import { codeFrame } from '../protocol/code-frame';

export interface ErrorForm {
  readonly name: string;
  readonly message: string;
  readonly traceback: readonly string[];
}

/** The source of `Cell [execution]` as typed, if known. */
export type SourceOf = (execution: number) => string | undefined;

const RED = '\u001b[31m';
const CYAN = '\u001b[36m';
const DIM = '\u001b[2m';
const RESET = '\u001b[0m';

const CELL_POSITION = new RegExp(`${CELL_NUMBER}:(\\d+):(\\d+)`);
const MAX_FRAMES = 50;
/** Shown in lines of their own kind. */
const OWN_LINES: ReadonlySet<string | symbol> = new Set(['name', 'message', 'stack', 'cause', 'errors']);
const MAX_DEPTH = 4;

/** What to show of anything that was thrown. Never throws, whatever its getters do. */
export function showError(error: unknown, sourceOf: SourceOf): ErrorForm {
  try {
    const { name, message } = nameOf(error);
    return { name, message, traceback: formatError(error, sourceOf, MAX_DEPTH) };
  } catch (reason) {
    const text = `an error whose own parts throw when they are read (${reason instanceof Error ? reason.message : typeof reason})`;
    return { name: 'Error', message: text, traceback: [`${RED}Error${RESET}: ${text}`] };
  }
}

/** The traceback as plain text, for streams. */
export function plainTraceback(form: ErrorForm): string {
  return stripVTControlCharacters(form.traceback.join('\n'));
}

function formatError(error: unknown, sourceOf: SourceOf, depth: number): string[] {
  const { name, message } = nameOf(error);
  const lines = [`${RED}${name}${RESET}: ${message}`];
  if (!isErrorLike(error)) return lines;
  const frames = framesOf(error);
  lines.push(...sourceLines(frames, sourceOf));
  lines.push(...frames.slice(0, MAX_FRAMES).map(colourFrame));
  if (frames.length > MAX_FRAMES) lines.push(`    … and ${frames.length - MAX_FRAMES} more`);
  lines.push(...ownFields(error));
  const inner: [string, unknown][] = [];
  if (Object.hasOwn(error, 'cause')) inner.push(['Caused by', error.cause]);
  const errors: unknown = Reflect.get(error, 'errors');
  if (Array.isArray(errors))
    errors.slice(0, 5).forEach((each, index) => inner.push([`Error ${index + 1} of ${errors.length}`, each]));
  for (const [label, each] of inner) {
    if (depth === 0) return [...lines, `${label}: …`];
    const [head = '', ...rest] = formatError(each, sourceOf, depth - 1);
    lines.push(`${label}: ${head}`, ...rest);
  }
  return lines;
}

function nameOf(error: unknown): { name: string; message: string } {
  if (!isErrorLike(error)) return { name: 'Uncaught', message: unmark(inspect(error)) };
  const constructor: unknown = error.constructor;
  const className = typeof constructor === 'function' ? constructor.name : '';
  // A subclass that did not set `name` is called by its class, as people expect.
  const name = error.name === 'Error' && className !== '' ? className : error.name;
  return { name: unmark(name === '' ? 'Error' : name), message: unmark(error.message) };
}

/** By shape, not by class: an error may come from another realm. */
function isErrorLike(value: unknown): value is Error {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'message') === 'string' &&
    typeof Reflect.get(value, 'name') === 'string'
  );
}

/** The lines of the stack after name and message. */
function framesOf(error: Error): string[] {
  const stack: unknown = error.stack;
  if (typeof stack !== 'string') return [];
  const start = stack.search(/^ {4}at /m);
  if (start < 0) return [];
  const lines = stack
    .slice(start)
    .split('\n')
    .filter((line) => !/\(?node:internal\//.test(line));
  return foldPackages(lines).map(unmark);
}

/** Frames inside of packages say little to who wrote the cell: several in a row become one line. The stack itself keeps them. */
function foldPackages(lines: readonly string[]): string[] {
  const folded: string[] = [];
  for (let at = 0; at < lines.length;) {
    const end = lines.findIndex((line, index) => index >= at && packageOf(line) === undefined);
    const run = lines.slice(at, end < 0 ? lines.length : end);
    const names = [...new Set(run.map(packageOf))].join(', ');
    if (run.length > 1) folded.push(`    at … ${run.length} frames of ${names}`);
    else if (run.length === 1) folded.push(...run);
    at += run.length;
    const own = lines[at];
    if (own === undefined) break;
    folded.push(own);
    at += 1;
  }
  return folded;
}

/** The package (or module of Node's) a frame is in; undefined for code of the person's own. */
function packageOf(line: string): string | undefined {
  const inPackage = /.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(line)?.[1];
  return inPackage ?? /\(?(node:[\w/]+):\d+/.exec(line)?.[1];
}

function sourceLines(frames: readonly string[], sourceOf: SourceOf): string[] {
  for (const frame of frames) {
    const [, number, line, column] = CELL_POSITION.exec(frame) ?? [];
    if (number === undefined) continue;
    const source = sourceOf(executionOf(number));
    return source === undefined ? [] : [...codeFrame(source, Number(line), Number(column)), ''];
  }
  return [];
}

function colourFrame(frame: string): string {
  const coloured = frame.replace(CELL_POSITION, (position) => `${CYAN}${position}${RESET}`);
  return coloured === frame ? `${DIM}${frame}${RESET}` : coloured;
}

/** Fields the error carries of its own: `code: 'ENOENT'`. */
function ownFields(error: Error): string[] {
  const fields = Reflect.ownKeys(error).filter(
    (key) => !OWN_LINES.has(key) && Object.prototype.propertyIsEnumerable.call(error, key),
  );
  return fields.slice(0, 20).map((key) => {
    const shown = inspect(Reflect.get(error, key), { depth: 2, breakLength: 120 });
    return `    ${typeof key === 'symbol' ? `[${String(key)}]` : key}: ${shown}`;
  });
}

/** Mangled names as the user typed them. */
function unmark(text: string): string {
  return text.replaceAll(MARK, '');
}
