// Codecs that a notebook has registered: how objects of a class travel whose properties do not tell everything. Both sides have this table; a worker gets
// its entries with the bundle. At home only what was registered here is ever called: a reply brings payloads, no codecs.
import { NotDecoded } from '../protocol/graph';
import type { Coded, RefusalReason } from '../protocol/graph';
import { messageOf } from '../protocol/errors';
import { MAIN } from '../protocol/main-context';
import { types } from 'node:util';
import { PACKAGE_REGISTRATIONS, Special } from './package-codecs';
import { References } from './references';
import { builtinCodec, encodeBuiltin, type BuiltinCodec } from './builtin-codecs';

export interface Codec {
  /** What travels instead of the object. Must not change anything. */
  encode(object: object): unknown;
  /** `type` is the very class of the object: that of a subclass, where the codec takes them. */
  decode(payload: unknown, type: unknown): unknown;
  /** Makes an object that is there already into what the payload says. Without it, an object that a cell has changed cannot come home. */
  update?(object: object, payload: unknown): void;
  /** Does it know how to make objects of subclasses as well? */
  readonly subclasses?: boolean;
}

/** One entry; an object of the notebook, which travels like any other. */
export interface Registration {
  readonly type: object;
  readonly codec: Codec;
}

/** Classes that travel as they are. */
const CARRIED = new Set(
  [
    'Object Function Array Map Set Date RegExp Promise Number String Boolean BigInt Symbol ArrayBuffer SharedArrayBuffer DataView Buffer URL',
    'URLSearchParams Error EvalError RangeError ReferenceError SyntaxError TypeError URIError AggregateError Int8Array Uint8Array',
    'Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array Float16Array Float32Array Float64Array BigInt64Array BigUint64Array',
    'Blob Headers TextEncoder TextDecoder DOMException',
  ].flatMap((line) => line.split(' ')),
);

/** The function that cells get. */
export function makeRegisterCodec(
  realm: () => { readonly codecs: Codecs; readonly modules: { readonly evaluating: string | undefined } },
): (type: unknown, codec: unknown) => void {
  return (type, codec) => {
    const { codecs, modules } = realm();
    codecs.register(type, codec, modules.evaluating);
  };
}

/** Begins the path of the codec of a class; the path of the class follows. */
export const CODEC_PATH = 'codec:';

export class Codecs {
  readonly #references: References;
  /** Prototypes whose objects travel by their properties. */
  #without = new WeakSet();
  #asOf = 0;
  /** By the prototype of the class; the newest. */
  readonly #registrations = new Map<object, Registration>();
  readonly #known = new WeakSet();
  /** Of registrations that a local module made: it makes them on the other side as well. */
  readonly #modules = new WeakMap<object, string>();
  readonly #adopted = new WeakSet();

  constructor(references: References) {
    this.#references = references;
  }

  /** `registerCodec` of cells. Throws a TypeError of the main context that says what is missing. */
  register(type: unknown, codec: unknown, module?: string): void {
    const prototype = prototypeOf(type);
    if (prototype === undefined) throw misuse('its first argument is the class whose objects it is about');
    if (!isObject(codec)) throw misuse('its second argument is an object with encode and decode');
    for (const name of ['encode', 'decode'])
      if (typeof Reflect.get(codec, name) !== 'function') throw misuse(`the codec has no function ${name}`);
    const update: unknown = Reflect.get(codec, 'update');
    if (update !== undefined && typeof update !== 'function') throw misuse('update is no function');
    const name = nameOf(type);
    if (CARRIED.has(name) && Reflect.get(MAIN, name) === type)
      throw misuse(`${name} travels as it is; codecs are for classes of packages and your own`);
    // A plain object of cells: it travels with what the codec's functions use.
    const registration = MAIN.Object.assign(new MAIN.Object(), { type, codec }) as unknown as Registration;
    this.#registrations.set(prototype, registration);
    this.#without = new WeakSet();
    this.#known.add(registration);
    if (module !== undefined) this.#modules.set(registration, module);
  }

  /** The local module that registered it, and registers it again wherever it is loaded. */
  moduleOf(registration: object): string | undefined {
    return this.#modules.get(registration);
  }

  /** Does the side that sent the bundle have it? */
  isFromHome(codec: object): boolean {
    return (
      this.#adopted.has(codec) || this.#modules.has(codec) || isPackageEntry(codec) || builtinCodec(codec) !== undefined
    );
  }

  /** The registration of a class. */
  of(type: unknown): Registration | undefined {
    const prototype = prototypeOf(type);
    return prototype === undefined ? undefined : this.#registrations.get(prototype);
  }

  get registrations(): Iterable<Registration> {
    return this.#registrations.values();
  }

  get size(): number {
    return this.#registrations.size;
  }

  /** Takes an entry that came with a bundle. What was registered here comes first. */
  adopt(value: unknown): void {
    if (!isObject(value)) return;
    const registration = value as unknown as Registration;
    const prototype = prototypeOf(registration.type);
    if (prototype === undefined || this.#known.has(registration)) return;
    this.#known.add(registration);
    this.#adopted.add(registration);
    if (!this.#registrations.has(prototype)) this.#registrations.set(prototype, registration);
    this.#without = new WeakSet();
  }

  knows(codec: object): boolean {
    return this.#known.has(codec) || isPackageEntry(codec) || builtinCodec(codec) !== undefined;
  }

  /** What travels instead of an object; undefined where its properties do. Never throws. */
  encode(value: object): Coded | { readonly reason: RefusalReason } | undefined {
    const prototype = Reflect.getPrototypeOf(value);
    if (prototype === null || this.#hasNone(prototype)) return undefined;
    const coded = encodeBuiltin(value) ?? this.#encodeRegistered(value) ?? this.#encodePackaged(value);
    if (coded === undefined && !isPrototype(value)) this.#without.add(prototype);
    return coded;
  }

  /** Of a million objects of one class only the first is looked at. What was loaded or registered since may change the answer. */
  #hasNone(prototype: object): boolean {
    const { moduleCount } = this.#references;
    if (moduleCount !== this.#asOf) this.#without = new WeakSet();
    this.#asOf = moduleCount;
    return this.#without.has(prototype);
  }

  /** An object of a class of a well-known package, and of no subclass. */
  #encodePackaged(value: object): Coded | { readonly reason: RefusalReason } | undefined {
    const found = this.#packaged(Reflect.getPrototypeOf(value));
    if (found === undefined || isPrototype(value)) return undefined;
    const { entry, exports } = found;
    try {
      const payload = entry.codec.encode(value, exports);
      return payload instanceof Special ? { reason: payload.reason } : { codec: entry, payload: ofMain(payload) };
    } catch (error) {
      return {
        reason: {
          what: `${entry.type} of '${entry.package}' cannot be told: ${messageOf(error)}`,
          advice: `teach how it travels: registerCodec(${entry.type}, { encode, decode })`,
        },
      };
    }
  }

  #packaged(prototype: object | null): { readonly entry: PackageEntry; readonly exports: Exports } | undefined {
    const path = prototype === null || types.isProxy(prototype) ? undefined : this.#references.pathOf(prototype);
    const specifier = path === undefined ? undefined : References.moduleOf(path);
    if (path === undefined || specifier === undefined) return undefined;
    const entry = PACKAGE_REGISTRATIONS.find(
      (one) => one.package === specifier.replace(/^require:/, '') && path.endsWith(`.${one.type}/.prototype`),
    );
    const exports = this.#references.exportsOf(specifier);
    return entry === undefined || !isObject(exports) ? undefined : { entry, exports: exports as Exports };
  }

  #encodeRegistered(value: object): Coded | { readonly reason: RefusalReason } | undefined {
    if (this.#registrations.size === 0 || isPrototype(value)) return undefined;
    const first = Reflect.getPrototypeOf(value);
    for (let p = first; p !== null && !types.isProxy(p); p = Reflect.getPrototypeOf(p)) {
      const registration = this.#registrations.get(p);
      if (registration === undefined) continue;
      const name = nameOf(registration.type);
      if (p !== first && registration.codec.subclasses !== true) return { reason: subclassed(value, name) };
      return encodeBy(registration, value, name);
    }
    return undefined;
  }

  /** Throws a sentence that says what went wrong. */
  decode(codec: object, payload: unknown, prototype: object): object {
    const builtin = builtinCodec(codec);
    if (builtin !== undefined) return decodeBuiltin(builtin, payload, prototype);
    if (isPackageEntry(codec)) return this.#decodePackaged(codec, payload, prototype);
    const registration = this.#newest(codec);
    const name = nameOf(registration.type);
    const type: unknown = Reflect.getOwnPropertyDescriptor(prototype, 'constructor')?.value ?? registration.type;
    let made: unknown;
    try {
      made = registration.codec.decode(payload, type);
    } catch (cause) {
      throw undecoded(name, `threw ${shown(cause)}`, cause);
    }
    if ((typeof made !== 'object' && typeof made !== 'function') || made === null || types.isProxy(made))
      throw undecoded(name, 'gave no object of that class');
    if (Reflect.getPrototypeOf(made) !== prototype)
      throw undecoded(name, `gave a ${className(made)}, and a ${nameOf(type)} was encoded`);
    return made;
  }

  #decodePackaged(entry: PackageEntry, payload: unknown, prototype: object): object {
    const found = this.#packaged(prototype);
    const what = `${entry.type} of '${entry.package}' that cannot be made where the cell runs`;
    const advice = `look whether the same version of ${entry.package} is there`;
    try {
      const made: unknown = found?.entry === entry ? entry.codec.decode(payload, found.exports) : undefined;
      if (isObject(made) && Reflect.getPrototypeOf(made) === prototype) return made;
    } catch (cause) {
      throw new NotDecoded({ what: `${what}: ${messageOf(cause)}`, advice }, { cause });
    }
    throw new NotDecoded({ what, advice });
  }

  /** False when the codec does not tell how. Throws what the codec's own code throws. */
  update(codec: object, target: object, payload: unknown): boolean {
    const builtin = builtinCodec(codec);
    if (builtin !== undefined) return builtin.update(target, payload);
    if (isPackageEntry(codec)) return false;
    const own = this.#newest(codec).codec;
    if (typeof own.update !== 'function') return false;
    own.update(target, payload);
    return true;
  }

  mayUpdate(codec: object): boolean {
    if (isPackageEntry(codec)) return false;
    return builtinCodec(codec) !== undefined || typeof this.#newest(codec).codec.update === 'function';
  }

  /** A cell that registers a codec is run again to mend it: then the newest one counts, for jobs that are out as well. */
  #newest(codec: object): Registration {
    const registration = codec as Registration;
    const prototype = prototypeOf(registration.type);
    return (prototype === undefined ? undefined : this.#registrations.get(prototype)) ?? registration;
  }
}

type PackageEntry = (typeof PACKAGE_REGISTRATIONS)[number];
type Exports = Readonly<Record<string, unknown>>;

function isPackageEntry(codec: object): codec is PackageEntry {
  return PACKAGE_REGISTRATIONS.some((entry) => entry === codec);
}

function undecoded(name: string, problem: string, cause?: unknown): NotDecoded {
  const what = `decode of the codec of ${name} ${problem}`;
  return new NotDecoded({ what, advice: `mend what registerCodec(${name}, …) was given` }, { cause });
}

function decodeBuiltin(codec: BuiltinCodec, payload: unknown, prototype: object): object {
  try {
    return codec.decode(payload, prototype);
  } catch (cause) {
    throw new NotDecoded({ what: messageOf(cause), advice: 'make it inside the cell' }, { cause });
  }
}

/** Plain objects of ours as those of cells: their prototype has a name there. */
function ofMain(payload: unknown): unknown {
  if (!isObject(payload) || Reflect.getPrototypeOf(payload) !== Object.prototype) return payload;
  return MAIN.Object.assign(new MAIN.Object(), payload);
}

function encodeBy(registration: Registration, value: object, name: string): Coded | { readonly reason: RefusalReason } {
  const advice = `mend what registerCodec(${name}, …) was given`;
  try {
    const payload = registration.codec.encode(value);
    if (types.isPromise(payload)) {
      return { reason: { what: `encode of the codec of ${name} gave a Promise; codecs cannot wait`, advice } };
    }
    return { codec: registration, payload };
  } catch (error) {
    return { reason: { what: `encode of the codec of ${name} threw ${shown(error)}`, advice } };
  }
}

function subclassed(value: object, name: string): RefusalReason {
  const own = className(value);
  return {
    what: `${own} extends ${name}, and the codec of ${name} makes no objects of subclasses`,
    advice: `registerCodec(${own}, …), or add subclasses: true and make them in decode(payload, type)`,
  };
}

function misuse(what: string): TypeError {
  return new MAIN.TypeError(`registerCodec(Class, { encode, decode }): ${what}.`);
}

function prototypeOf(type: unknown): object | undefined {
  if (typeof type !== 'function') return undefined;
  const prototype: unknown = Reflect.getOwnPropertyDescriptor(type, 'prototype')?.value;
  return typeof prototype === 'object' && prototype !== null ? prototype : undefined;
}

/** Objects of a subclass and the prototype of the subclass look the same from their prototype. */
function isPrototype(value: object): boolean {
  const owner: unknown = Reflect.getOwnPropertyDescriptor(value, 'constructor')?.value;
  return typeof owner === 'function' && prototypeOf(owner) === value;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function className(value: object): string {
  const prototype = Reflect.getPrototypeOf(value);
  return prototype === null
    ? 'object without class'
    : nameOf(Reflect.getOwnPropertyDescriptor(prototype, 'constructor')?.value);
}

/** The class that a codec is for. */
export function codecName(codec: unknown): string {
  if (!isObject(codec)) return nameOf(undefined);
  return isPackageEntry(codec) ? codec.type : nameOf((codec as Registration).type);
}

export function nameOf(type: unknown): string {
  const name: unknown = typeof type === 'function' ? Reflect.getOwnPropertyDescriptor(type, 'name')?.value : undefined;
  return typeof name === 'string' && name !== '' ? name : 'a class without name';
}

function shown(error: unknown): string {
  const name: unknown = isObject(error) ? Reflect.get(error, 'name') : undefined;
  return typeof name === 'string' ? `${name}: ${messageOf(error)}` : messageOf(error);
}
