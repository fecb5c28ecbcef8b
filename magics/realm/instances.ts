// Which objects may travel as their own properties, and which hide state: handles of this process, private fields, slots of builtin classes.
import type { RefusalReason } from '../protocol/graph';
import { ObjectPrototype, textOfFunction } from '../protocol/intrinsics';
import { MAIN, unbound } from '../protocol/main-context';
import { isBuiltin } from 'node:module';
import { types } from 'node:util';
import type { Code } from './code-table';
import { isLocalSpecifier } from './local-sources';
import { References } from './references';
import type { Inspection } from './scopes';

const CONNECTION = ['is an open connection of this process', 'open it inside the cell'] as const;
const OWNED = ['belongs to this process', 'create it inside the cell'] as const;
const UNREADABLE = ['has no state that can be read', 'create it inside the cell'] as const;

type Handle = readonly [shown: string, what: string, advice: string];

/** By the name of the class, for classes that are not the notebook's. */
const HANDLES: ReadonlyMap<string, Handle> = new Map<string, Handle>([
  ...['Socket', 'Server'].map((name) => [name, [`net.${name}`, ...CONNECTION]] as const),
  ...['TLSSocket'].map((name) => [name, [`tls.${name}`, ...CONNECTION]] as const),
  ...['ClientRequest', 'IncomingMessage', 'ServerResponse', 'OutgoingMessage', 'Agent'].map(
    (name) => [name, [`http.${name}`, ...CONNECTION]] as const,
  ),
  ...['ClientHttp2Session', 'ServerHttp2Session', 'Http2Session', 'Http2Stream'].map(
    (name) => [name, [`http2.${name}`, ...CONNECTION]] as const,
  ),
  ...[
    'Stream Readable Writable Duplex Transform PassThrough ReadStream WriteStream FileHandle ChildProcess Worker MessagePort',
    'Timeout Immediate ReadableStream WritableStream TransformStream BroadcastChannel FSWatcher Interface Blob File',
    'AbortController AbortSignal EventTarget Event Performance AsyncLocalStorage AsyncResource',
  ]
    .flatMap((line) => line.split(' '))
    .map((name) => [name, [name, ...OWNED]] as const),
]);

/** Classes of the language with slots that nothing reads; asked for by what they are named globally. */
const GLOBAL_PATH = /^#\.(Intl|WebAssembly|TextEncoder|TextDecoder|Headers|Request|Response|FormData|MessageChannel)\b/;

/** What is known of the newest class of a chain that is not the notebook's. */
interface ForeignClass {
  readonly shown: string;
  readonly advice: string;
  /** A private name in the text may be in a comment or a string; the instance itself is asked then. */
  readonly mayHavePrivates: boolean;
  /** Weak collections that its code sees: where compilers put what is private. */
  readonly collections: readonly object[];
}

type Verdict = { readonly reason: RefusalReason | undefined; readonly foreign: ForeignClass | undefined };

export class InstanceRules {
  readonly #references: References;
  readonly #inspection: Inspection;
  readonly #codeOf: (value: object) => Code | undefined;
  readonly #verdicts = new Map<object, Verdict>();

  constructor(references: References, inspection: Inspection, codeOf: (value: object) => Code | undefined) {
    this.#references = references;
    this.#inspection = inspection;
    this.#codeOf = codeOf;
  }

  refuse(value: object): RefusalReason | undefined {
    const prototype = Reflect.getPrototypeOf(value);
    if (prototype === null) return undefined;
    let verdict = this.#verdicts.get(prototype);
    if (verdict === undefined) {
      verdict = this.#judge(prototype);
      this.#verdicts.set(prototype, verdict);
    }
    const { foreign } = verdict;
    if (verdict.reason !== undefined || foreign === undefined) return verdict.reason;
    const hidden = this.#hiddenIn(value, foreign);
    if (hidden === undefined) return undefined;
    return { what: `${foreign.shown} hides state in ${hidden}`, advice: foreign.advice };
  }

  /** What a copy of the object's properties would lack. */
  #hiddenIn(value: object, { mayHavePrivates, collections }: ForeignClass): string | undefined {
    const names = mayHavePrivates ? this.#inspection.privateNames(value) : [];
    if (names.length > 0) return names.join(', ');
    const symbol = Object.getOwnPropertySymbols(value).find((key) => this.#isPrivateSymbol(key));
    if (symbol !== undefined) return `[${String(symbol)}]`;
    return collections.some((collection) => holds(collection, value))
      ? 'a WeakMap or WeakSet of its module'
      : undefined;
  }

  /** A symbol that only the module has: one made over there would be another. */
  #isPrivateSymbol(key: symbol): boolean {
    return Symbol.keyFor(key) === undefined && this.#references.pathOf(key) === undefined;
  }

  /** `Decimal of 'decimal.js'`, for an object of a package's class. */
  packageClassOf(value: object): { readonly name: string; readonly shown: string } | undefined {
    for (let p = Reflect.getPrototypeOf(value); p !== null && p !== ObjectPrototype; p = Reflect.getPrototypeOf(p)) {
      if (types.isProxy(p)) return undefined;
      const owner: unknown = Reflect.getOwnPropertyDescriptor(p, 'constructor')?.value;
      const path =
        (typeof owner === 'function' ? this.#references.pathOf(owner) : undefined) ?? this.#references.pathOf(p);
      const specifier = path === undefined ? undefined : References.moduleOf(path);
      if (path === undefined || specifier === undefined || isLocalSpecifier(specifier) || isNodes(specifier)) continue;
      const name = classAt(path) ?? (typeof owner === 'function' ? nameOf(owner) : 'an object');
      return { name, shown: describeClass(name, path) };
    }
    return undefined;
  }

  #judge(prototype: object): Verdict {
    let foreign: ForeignClass | undefined;
    for (let p: object | null = prototype; p !== null && p !== ObjectPrototype; p = Reflect.getPrototypeOf(p)) {
      if (types.isProxy(p)) break;
      const owner: unknown = Reflect.getOwnPropertyDescriptor(p, 'constructor')?.value;
      if (typeof owner !== 'function') continue;
      const code = this.#codeOf(owner);
      const path = this.#references.pathOf(owner) ?? this.#references.pathOf(p);
      const name = (path === undefined ? undefined : classAt(path)) ?? nameOf(owner);
      // The lowering has opened the notebook's own classes: see private-fields.
      if (code !== undefined) continue;
      const reason = foreignReason(name, path);
      if (reason !== undefined) return { reason, foreign: undefined };
      if (isOfLanguage(path)) continue;
      foreign = {
        shown: foreign?.shown ?? describeClass(name, path),
        advice: foreign?.advice ?? adviceFor(name),
        mayHavePrivates: foreign?.mayHavePrivates === true || /#[\p{ID_Start}$_]/u.test(textOfFunction(owner)),
        collections: [...(foreign?.collections ?? []), ...this.#weakCollectionsOf(owner)],
      };
    }
    return { reason: undefined, foreign };
  }

  /** One look at the constructor is enough: a scope shows the variables of all functions in it. */
  #weakCollectionsOf(owner: object): object[] {
    const variables = this.#inspection.scopesOf(owner).flatMap((scope) => Object.values(scope) as unknown[]);
    return variables.filter((value): value is object => types.isWeakMap(value) || types.isWeakSet(value));
  }
}

function foreignReason(name: string, path: string | undefined): RefusalReason | undefined {
  const handle = HANDLES.get(name);
  const specifier = path === undefined ? undefined : References.moduleOf(path);
  const mayBeNodes = path === undefined || specifier === undefined || isNodes(specifier);
  if (handle !== undefined && mayBeNodes) {
    const [shown, what, advice] = handle;
    return { what: `${shown} ${what}`, advice };
  }
  if (path === undefined && name in MAIN)
    return {
      what: `an object of another context, whose ${name} is not the one of here`,
      advice: 'copy it: structuredClone',
    };
  if (path === undefined)
    return {
      what: `an object of ${name}, which has no source in this notebook`,
      advice: 'import its class in a cell of its own',
    };
  if (GLOBAL_PATH.test(path)) return { what: `${name} ${UNREADABLE[0]}`, advice: UNREADABLE[1] };
  return undefined;
}

function isNodes(specifier: string): boolean {
  return isBuiltin(specifier.replace(/^require:/, ''));
}

/** `Decimal` of `decimal.js#.default/.Decimal/.prototype`: what one would import. */
function classAt(path: string): string | undefined {
  const steps = path.slice(path.lastIndexOf('#') + 1).split('/');
  const names = steps.filter((step) => step.startsWith('.')).map((step) => decodeURIComponent(step.slice(1)));
  const name = names.filter((one) => one !== 'prototype' && one !== 'default').at(-1);
  if (name !== undefined || References.moduleOf(path) === undefined) return name;
  return undefined;
}

/** Map, Error, Array …: their own slots are known to the graph. */
function isOfLanguage(path: string | undefined): boolean {
  return path !== undefined && References.moduleOf(path) === undefined;
}

function adviceFor(name: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name)
    ? `teach how it travels: registerCodec(${name}, { encode, decode })`
    : 'send what it is made of, and make it inside the cell';
}

function holds(collection: object, value: object): boolean {
  return types.isWeakMap(collection) ? weakMapHas(collection, value) : weakSetHas(collection, value);
}

const weakMapHas = unbound<[object], boolean>(MAIN.WeakMap.prototype.has);
const weakSetHas = unbound<[object], boolean>(MAIN.WeakSet.prototype.has);

function describeClass(name: string, path: string | undefined): string {
  const specifier = path === undefined ? undefined : References.moduleOf(path);
  return specifier === undefined ? name : `${name} of '${specifier.replace(/^require:/, '')}'`;
}

function nameOf(owner: object): string {
  const name: unknown = Reflect.getOwnPropertyDescriptor(owner, 'name')?.value;
  return typeof name === 'string' && name !== '' ? name : 'a class without name';
}
