// A value → what a notebook shows of it, and the `display` functions of the modules 'cellburst' and 'tslab'.
import { randomUUID } from 'node:crypto';
import { inspect, types } from 'node:util';
import type { MimeBundle } from '../protocol/output';
import { readBundle } from './media-text';
import type { OutputSink } from './output';
import { makeProgress, type Progress } from './progress';
import { asFrame, tableOf, type TableOptions } from './records';

export interface Shown {
  readonly data: MimeBundle;
  readonly metadata: MimeBundle;
}

/** A method of this name gives a mime bundle, or a promise of one (the convention of Deno's kernel). */
export const DISPLAY_METHOD = Symbol.for('Jupyter.display');

/** Longest text/plain of one value; more would be read by nobody and slow the notebook down for good. */
const MAX_TEXT = 1_000_000;

/**
 * The bundle of a value: its own (`Symbol.for('Jupyter.display')`), the markup of an element, or `util.inspect` as text/plain. At once, unless the value's own method
 * gives a promise. Never throws, never rejects.
 */
export function showValue(value: unknown): Shown | Promise<Shown> {
  const own = ownBundle(value) ?? documentBundle(value) ?? frameBundle(value);
  return own ?? { data: { 'text/plain': inspectValue(value) }, metadata: {} };
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

function ownBundle(value: unknown): Shown | Promise<Shown> | undefined {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || types.isProxy(value))
    return undefined;
  const unusable = (error: unknown) => withoutBundle(value, `threw: ${safeMessage(error)}`);
  try {
    const method: unknown = Reflect.get(value, DISPLAY_METHOD);
    if (typeof method !== 'function') return undefined;
    const bundle: unknown = Reflect.apply(method, value, []);
    if (!types.isPromise(bundle)) return toShown(value, bundle);
    return bundle.then((settled) => toShown(value, settled)).catch(unusable);
  } catch (error) {
    return unusable(error);
  }
}

function toShown(value: unknown, bundle: unknown): Shown {
  if (!isMimeBundle(bundle)) return withoutBundle(value, 'gave no mime bundle');
  return { data: withText(toJson(bundle)), metadata: {} };
}

/** An element of some DOM (Observable Plot makes them by jsdom or linkedom) is shown as its markup. */
function documentBundle(value: unknown): Shown | undefined {
  if (typeof value !== 'object' || value === null || types.isProxy(value)) return undefined;
  try {
    if (!('outerHTML' in value) || typeof value.outerHTML !== 'string') return undefined;
    const markup = value.outerHTML;
    if (!/^\s*<svg\b/i.test(markup)) return { data: withText({ 'text/html': markup }), metadata: {} };
    // As a picture of its own it has to say what it is.
    const svg = /\bxmlns=/.test(markup) ? markup : markup.replace(/<svg\b/i, '<svg xmlns="http://www.w3.org/2000/svg"');
    return { data: withText({ 'image/svg+xml': svg }), metadata: {} };
  } catch {
    // A getter of that name threw: it is no element, and is shown like any other value.
    return undefined;
  }
}

/** A table of Arquero, or one that has the same methods, is shown as a table. */
function frameBundle(value: unknown): Shown | undefined {
  try {
    return asFrame(value) && { data: tableOf(value), metadata: {} };
  } catch {
    // A method of its own threw: it is shown like any other value.
    return undefined;
  }
}

/** Every bundle reads well where only text is shown. */
function withText(bundle: MimeBundle): MimeBundle {
  return 'text/plain' in bundle ? bundle : { ...bundle, 'text/plain': readBundle(bundle) };
}

function withoutBundle(value: unknown, why: string): Shown {
  return { data: { 'text/plain': `${inspectValue(value)}\n[Symbol.for('Jupyter.display') ${why}]` }, metadata: {} };
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

export interface ShowOptions {
  readonly metadata?: MimeBundle;
  /** A name of the display, by which it can be written over, from any cell. */
  readonly id?: string;
  /** Write over what is shown under this id, wherever it is. */
  readonly update?: boolean;
}

/** Shows a value, or a mime bundle (an object whose members are all media types), and with tslab's methods one medium. */
export interface Display {
  (value: unknown, options?: ShowOptions): void;
  readonly javascript: (source: string) => void;
  readonly html: (source: string) => void;
  readonly markdown: (source: string) => void;
  readonly latex: (source: string) => void;
  readonly svg: (source: string) => void;
  readonly text: (source: string) => void;
  readonly json: (value: unknown) => void;
  readonly png: (bytes: Uint8Array) => void;
  readonly jpeg: (bytes: Uint8Array) => void;
  readonly gif: (bytes: Uint8Array) => void;
  readonly pdf: (bytes: Uint8Array) => void;
  readonly raw: (contentType: string, media: string | Uint8Array) => void;
}

/** What the modules 'cellburst' and 'tslab' export to show things. */
export interface DisplayFunctions {
  readonly display: Display;
  /** A display whose calls overwrite each other: for progress. */
  readonly newDisplay: () => Display;
  readonly clearOutput: (options?: { readonly wait?: boolean }) => void;
  readonly html: (source: string) => void;
  readonly markdown: (source: string) => void;
  readonly latex: (source: string) => void;
  readonly svg: (source: string) => void;
  readonly png: (bytes: Uint8Array) => void;
  readonly jpeg: (bytes: Uint8Array) => void;
  readonly json: (value: unknown) => void;
  /** A chart, by a Vega-Lite specification. */
  readonly vegaLite: (spec: object) => void;
  /** Records as a table. Throws a TypeError for what is none. */
  readonly table: (records: unknown, options?: TableOptions) => void;
  /** The same items, with a bar that shows how far the loop is. */
  readonly progress: Progress;
}

export function makeDisplayFunctions(sink: OutputSink): DisplayFunctions {
  const display = makeDisplay((shown, { id, update = false }) => {
    if (update && id === undefined)
      throw new TypeError('display: `update` needs the `id` of what is to be written over.');
    sink.write({
      type: 'display',
      ...shown,
      ...(id === undefined ? {} : { displayId: id }),
      ...(update ? { update } : {}),
    });
  });
  const { html, markdown, latex, svg, png, jpeg, json } = display;
  return {
    display,
    newDisplay: () => overwritingDisplay(sink),
    clearOutput: (options = {}) => {
      sink.write({ type: 'clear', wait: options.wait === true });
    },
    html,
    markdown,
    latex,
    svg,
    png,
    jpeg,
    json,
    vegaLite: (spec) => {
      display({ [vegaLiteType(spec)]: spec });
    },
    table: (records, options) => {
      display(tableOf(records, options));
    },
    progress: makeProgress(sink),
  };
}

/** A specification names its version: `https://vega.github.io/schema/vega-lite/v5.json`. Front ends know 5 at least. */
function vegaLiteType(spec: object): string {
  const schema: unknown = Reflect.get(spec, '$schema');
  const version = typeof schema === 'string' ? /\/v(\d+)/.exec(schema)?.[1] : undefined;
  return `application/vnd.vegalite.v${version ?? 5}+json`;
}

function overwritingDisplay(sink: OutputSink): Display {
  const displayId = randomUUID();
  let update = false;
  return makeDisplay((shown) => {
    sink.write({ type: 'display', ...shown, displayId, ...(update ? { update } : {}) });
    update = true;
  });
}

function makeDisplay(write: (shown: Shown, options: ShowOptions) => void): Display {
  const show = (value: unknown, options: ShowOptions = {}): void => {
    const shown = isMimeBundle(value) ? { data: withText(toJson(value)), metadata: {} } : showValue(value);
    const withMetadata = ({ data, metadata }: Shown) => {
      write({ data, metadata: { ...metadata, ...options.metadata } }, options);
    };
    // At once whenever possible: what is printed after it comes after it.
    if (shown instanceof Promise) void shown.then(withMetadata);
    else withMetadata(shown);
  };
  const as = (type: string) => (media: unknown) => {
    write({ data: withText({ [type]: toMedia(media) }), metadata: {} }, {});
  };
  return Object.assign(show, {
    javascript: as('text/javascript'),
    html: as('text/html'),
    markdown: as('text/markdown'),
    latex: as('text/latex'),
    svg: as('image/svg+xml'),
    text: as('text/plain'),
    json: as('application/json'),
    png: as('image/png'),
    jpeg: as('image/jpeg'),
    gif: as('image/gif'),
    pdf: as('application/pdf'),
    raw: (contentType: string, media: string | Uint8Array) => {
      as(contentType)(media);
    },
  });
}

function safeMessage(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return 'and its error cannot be read';
  }
}
