// A value → what a notebook shows of it, and the `display` functions of the modules 'cellburst' and 'tslab'.
import { randomUUID } from 'node:crypto';
import { inspect, types } from 'node:util';
import type { MimeBundle } from '../protocol/output';
import type { OutputSink } from './output';

export interface Shown {
  readonly data: MimeBundle;
  readonly metadata: MimeBundle;
}

/** A method of this name gives a mime bundle, or a promise of one (the convention of Deno's kernel). */
export const DISPLAY_METHOD = Symbol.for('Jupyter.display');

/** Longest text/plain of one value; more would be read by nobody and slow the notebook down for good. */
const MAX_TEXT = 1_000_000;

/** The bundle of a value: its own (`Symbol.for('Jupyter.display')`), or `util.inspect` as text/plain. Never throws. */
export async function showValue(value: unknown): Promise<Shown> {
  const own = await ownBundle(value);
  if (own) return own;
  return { data: { 'text/plain': inspectValue(value) }, metadata: {} };
}

export function inspectValue(value: unknown): string {
  try {
    const text = inspect(value, { maxStringLength: MAX_TEXT });
    return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}… (${text.length - MAX_TEXT} more characters)` : text;
  } catch (error) {
    // A custom inspect method or a proxy's trap threw: the value is fine, only its picture is not.
    return `[a value that cannot be shown: ${safeMessage(error)}]`;
  }
}

async function ownBundle(value: unknown): Promise<Shown | undefined> {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || types.isProxy(value))
    return undefined;
  try {
    const method: unknown = Reflect.get(value, DISPLAY_METHOD);
    if (typeof method !== 'function') return undefined;
    const bundle: unknown = await Reflect.apply(method, value, []);
    if (isMimeBundle(bundle)) return { data: toJson(bundle), metadata: {} };
    return {
      data: { 'text/plain': `${inspectValue(value)}\n[Symbol.for('Jupyter.display') gave no mime bundle]` },
      metadata: {},
    };
  } catch (error) {
    return {
      data: { 'text/plain': `${inspectValue(value)}\n[Symbol.for('Jupyter.display') threw: ${safeMessage(error)}]` },
      metadata: {},
    };
  }
}

/** A plain object with at least one member, all of them named like media types: `{ 'text/html': '<b>…' }`. */
export function isMimeBundle(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || types.isProxy(value)) return false;
  const names = Object.keys(value);
  return names.length > 0 && names.every((name) => /^[a-z]+\/[\w.+-]+(;.*)?$/i.test(name));
}

/** Media as a message carries them: bytes in base64, text and JSON as they are. */
function toJson(bundle: Record<string, unknown>): MimeBundle {
  return Object.fromEntries(Object.entries(bundle).map(([type, media]) => [type, toMedia(media)]));
}

function toMedia(media: unknown): unknown {
  if (media instanceof Uint8Array)
    return Buffer.from(media.buffer, media.byteOffset, media.byteLength).toString('base64');
  if (typeof media === 'string') return media;
  // What has no JSON form (a cycle, a BigInt) fails here, where the user's own call is still on the stack.
  return JSON.parse(JSON.stringify(media ?? null)) as unknown;
}

/** The methods of tslab's `display`. With an id, each call overwrites what the one before it showed. */
export interface Display {
  javascript(source: string): void;
  html(source: string): void;
  markdown(source: string): void;
  latex(source: string): void;
  svg(source: string): void;
  png(bytes: Uint8Array): void;
  jpeg(bytes: Uint8Array): void;
  gif(bytes: Uint8Array): void;
  pdf(bytes: Uint8Array): void;
  text(source: string): void;
  raw(contentType: string, media: string | Uint8Array): void;
}

/** `display(value)`, and tslab's methods as its members. */
export interface DisplayFunction extends Display {
  /** Shows a value, or a mime bundle (an object whose members are all media types). Resolves once it is shown. */
  (value: unknown): Promise<void>;
}

export interface DisplayFunctions {
  readonly display: DisplayFunction;
  /** A display whose calls overwrite each other: for progress. */
  readonly newDisplay: () => Display;
  readonly clearOutput: (options?: { wait?: boolean }) => void;
}

/** What the modules 'cellburst' and 'tslab' export to show things, writing to `sink`. */
export function makeDisplayFunctions(sink: OutputSink): DisplayFunctions {
  const show = async (value: unknown): Promise<void> => {
    if (isMimeBundle(value)) {
      writeDisplay(sink, toJson(value));
      return;
    }
    const shown = await showValue(value);
    sink.write({ type: 'display', data: shown.data, metadata: shown.metadata });
  };
  return {
    display: Object.assign(
      show,
      makeDisplay((data) => {
        writeDisplay(sink, data);
      }),
    ),
    newDisplay: () => {
      const displayId = randomUUID();
      let shownBefore = false;
      return makeDisplay((data) => {
        sink.write({ type: 'display', data, metadata: {}, displayId, ...(shownBefore ? { update: true } : {}) });
        shownBefore = true;
      });
    },
    clearOutput: (options = {}) => {
      sink.write({ type: 'clear', wait: options.wait === true });
    },
  };
}

function writeDisplay(sink: OutputSink, data: MimeBundle): void {
  sink.write({ type: 'display', data, metadata: {} });
}

function makeDisplay(write: (data: MimeBundle) => void): Display {
  const as =
    (type: string) =>
    (media: string | Uint8Array): void => {
      write({ [type]: toMedia(media) });
    };
  return {
    javascript: as('text/javascript'),
    html: as('text/html'),
    markdown: as('text/markdown'),
    latex: as('text/latex'),
    svg: as('image/svg+xml'),
    png: as('image/png'),
    jpeg: as('image/jpeg'),
    gif: as('image/gif'),
    pdf: as('application/pdf'),
    text: as('text/plain'),
    raw: (contentType, media) => {
      as(contentType)(media);
    },
  };
}

function safeMessage(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return 'and its error cannot be read';
  }
}
