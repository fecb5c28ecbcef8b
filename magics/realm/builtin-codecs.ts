// Objects of Node's own classes whose state is not in properties and can be had by their public means. A Blob tells its bytes only to those who wait:
// a walk, which does not wait, notes it as wanted, and is repeated when the bytes are there.
import { types } from 'node:util';
import type { Coded, RefusalReason } from '../protocol/graph';
import { messageOf } from '../protocol/errors';
import { MAIN } from '../protocol/main-context';
import { NOT_CODED, Refused, field, plain, text, type CodecEntry } from './codec-entries';
import { LANGUAGE_CODECS } from './language-codecs';

export interface BuiltinCodec {
  /** What travels for it: the same thing in every process (see references.ts). */
  readonly registration: object;
  readonly prototype: object;
  /** What each of its objects has as properties from the start. */
  readonly ownKeys: ReadonlySet<string | symbol>;
  /** Those that each object of the class has. */
  readonly leastKeys: readonly (string | symbol)[];
  encode(value: object): unknown;
  decode(payload: unknown, prototype: object): object;
  /** False when such an object does not change. */
  update(target: object, payload: unknown): boolean;
}

const bytesOf = new WeakMap<object, ArrayBuffer | Refused>();
const wanted = new Set<Blob>();

/** Waits for the bytes of Blobs that a walk has met. False when there were none: then the walk was complete. */
export async function readWanted(): Promise<boolean> {
  if (wanted.size === 0) return false;
  const blobs = [...wanted];
  wanted.clear();
  await Promise.all(
    blobs.map(async (blob) => {
      try {
        bytesOf.set(blob, await MAIN.Blob.prototype.arrayBuffer.call(blob));
      } catch (error) {
        bytesOf.set(blob, new Refused(`a Blob that cannot be read: ${messageOf(error)}`, 'read it before'));
      }
    }),
  );
  return true;
}

const UNREAD = new Refused('a Blob that was not read', 'read it before: await blob.arrayBuffer()');

function blobBytes(value: object): ArrayBuffer | Refused {
  const known = bytesOf.get(value);
  if (known !== undefined) return known;
  wanted.add(value as Blob);
  return UNREAD;
}

function encodeBlob(value: object): unknown {
  const bytes = blobBytes(value);
  return bytes instanceof Refused ? bytes : plain({ bytes, type: (value as Blob).type });
}

function encodeFile(value: object): unknown {
  const bytes = blobBytes(value);
  const { name, type, lastModified } = value as File;
  return bytes instanceof Refused ? bytes : plain({ bytes, name, type, lastModified });
}

function decodeBlob(payload: unknown): object {
  const bytes = field(payload, 'bytes');
  if (!types.isArrayBuffer(bytes)) throw new TypeError('A Blob has no bytes.');
  const made = new MAIN.Blob([new MAIN.Uint8Array(bytes)], { type: text(payload, 'type') });
  bytesOf.set(made, bytes);
  return made;
}

function decodeFile(payload: unknown): object {
  const bytes = field(payload, 'bytes');
  const lastModified = field(payload, 'lastModified');
  if (!types.isArrayBuffer(bytes) || typeof lastModified !== 'number') throw new TypeError('A File has no bytes.');
  const options = { type: text(payload, 'type'), lastModified };
  const made = new MAIN.File([new MAIN.Uint8Array(bytes)], text(payload, 'name'), options);
  bytesOf.set(made, bytes);
  return made;
}

function encodeHeaders(value: object): unknown {
  const headers = value as Headers;
  try {
    // Deleting what is not there changes nothing, and tells whether changes are allowed.
    MAIN.Headers.prototype.delete.call(headers, 'x-cellburst-absent');
  } catch {
    return new Refused('Headers that cannot be changed', 'copy them: new Headers(headers)');
  }
  return MAIN.Array.from(headers, ([name, text]) => MAIN.Array.of(name, text));
}

function updateHeaders(target: object, payload: unknown): boolean {
  const headers = target as Headers;
  for (const name of [...headers.keys()]) headers.delete(name);
  for (const [name, text] of pairsOf(payload)) headers.append(name, text);
  return true;
}

function pairsOf(payload: unknown): [string, string][] {
  if (!Array.isArray(payload)) throw new TypeError('Headers have no list.');
  // A list in a reply may be of a class of the notebook, with a `map` of its own.
  return Array.from({ length: payload.length }, (_, at) => {
    const pair = field(payload, String(at));
    return [text(pair, '0'), text(pair, '1')];
  });
}

function encodeException(value: object): unknown {
  const { message, name, stack } = value as DOMException;
  return plain({ message, name, stack });
}

function decodeException(payload: unknown): object {
  const made = new MAIN.DOMException(text(payload, 'message'), text(payload, 'name'));
  const stack = field(payload, 'stack');
  // A value in Node 20, the engine's accessor later: assigning does for both.
  if (typeof stack === 'string') Reflect.set(made, 'stack', stack);
  return made;
}

function unchanging(): boolean {
  return true;
}

/** By the name of the class. */
const TABLE: Readonly<Record<string, CodecEntry>> = {
  ...LANGUAGE_CODECS,
  Blob: { sample: () => new MAIN.Blob([]), encode: encodeBlob, decode: decodeBlob, update: unchanging },
  File: { sample: () => new MAIN.File([], ''), encode: encodeFile, decode: decodeFile, update: unchanging },
  Headers: {
    sample: () => new MAIN.Headers(),
    encode: encodeHeaders,
    decode: (payload) => new MAIN.Headers(pairsOf(payload)),
    update: updateHeaders,
  },
  TextEncoder: {
    sample: () => new MAIN.TextEncoder(),
    encode: () => undefined,
    decode: () => new MAIN.TextEncoder(),
    update: unchanging,
  },
  DOMException: {
    sample: () => new MAIN.DOMException(),
    encode: encodeException,
    decode: decodeException,
    update: unchanging,
  },
};

/** What stands for each codec in a graph: the same thing in every process (see references.ts). */
export const BUILTIN_REGISTRATIONS: Readonly<Record<string, object>> = Object.fromEntries(
  Object.keys(TABLE).map((name) => [name, { builtin: name }]),
);
const byRegistration = new Map(
  Object.entries(BUILTIN_REGISTRATIONS).map(([name, registration]) => [registration, name]),
);
const made = new Map<string, BuiltinCodec>();

function codecOf(name: string): BuiltinCodec | undefined {
  const entry = Object.hasOwn(TABLE, name) ? TABLE[name] : undefined;
  const registration = BUILTIN_REGISTRATIONS[name];
  if (entry === undefined || registration === undefined) return undefined;
  let codec = made.get(name);
  if (codec === undefined) {
    const sample = entry.sample();
    if (sample === undefined) return undefined;
    const isPrototype = Object.hasOwn(sample, 'constructor');
    const prototype = isPrototype ? sample : (Reflect.getPrototypeOf(sample) ?? sample);
    const all = isPrototype ? [] : [sample, ...(entry.variants?.() ?? [])].map((object) => Reflect.ownKeys(object));
    const [first = [], ...others] = all;
    const leastKeys = first.filter((key) => others.every((keys) => keys.includes(key)));
    codec = { ...entry, registration, prototype, ownKeys: new Set(all.flat()), leastKeys };
    made.set(name, codec);
  }
  return codec;
}

/** The codec of a registration, if it is one of these. */
export function builtinCodec(registration: object): BuiltinCodec | undefined {
  const name = byRegistration.get(registration);
  return name === undefined ? undefined : codecOf(name);
}

/** Undefined for an object of another class. Subclasses may hide more. */
export function encodeBuiltin(value: object): Coded | { readonly reason: RefusalReason } | undefined {
  const prototype = Reflect.getPrototypeOf(value);
  if (prototype === null || types.isProxy(prototype)) return undefined;
  const owner: unknown = Reflect.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  const name: unknown =
    typeof owner === 'function' ? Reflect.getOwnPropertyDescriptor(owner, 'name')?.value : undefined;
  const codec = typeof name === 'string' ? codecOf(name) : undefined;
  // An object that merely inherits from it has fewer properties, and no state.
  if (codec?.prototype !== prototype || !codec.leastKeys.every((key) => Object.hasOwn(value, key))) return undefined;
  const payload = codec.encode(value);
  if (payload === NOT_CODED) return undefined;
  if (payload instanceof Refused) return { reason: payload.reason };
  return { codec: codec.registration, payload, ownKeys: codec.ownKeys };
}
