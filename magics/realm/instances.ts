// Which objects may travel as their own properties, and which hide state: handles of this process, private fields, slots of builtin classes.
import type { RefusalReason } from '../protocol/graph';
import { ObjectPrototype, textOfFunction } from '../protocol/intrinsics';
import { isBuiltin } from 'node:module';
import { types } from 'node:util';
import type { Code } from './code-table';
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
    'AbortController AbortSignal EventTarget Event Performance',
  ]
    .flatMap((line) => line.split(' '))
    .map((name) => [name, [name, ...OWNED]] as const),
]);

/** Classes of the language with slots that nothing reads; asked for by what they are named globally. */
const GLOBAL_PATH = /^#\.(Intl|WebAssembly|TextEncoder|TextDecoder|Headers|Request|Response|FormData|MessageChannel)\b/;

type Verdict = { readonly reason: RefusalReason | undefined; readonly mayHide: string | undefined };

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
    if (verdict.reason !== undefined || verdict.mayHide === undefined) return verdict.reason;
    const names = this.#inspection.privateNames(value);
    if (names.length === 0) return undefined;
    return {
      what: `${verdict.mayHide} hides state in ${names.join(', ')}`,
      advice: 'keep that state in public fields',
    };
  }

  #judge(prototype: object): Verdict {
    let mayHide: string | undefined;
    for (let p: object | null = prototype; p !== null && p !== ObjectPrototype; p = Reflect.getPrototypeOf(p)) {
      if (types.isProxy(p)) break;
      const owner: unknown = Reflect.getOwnPropertyDescriptor(p, 'constructor')?.value;
      if (typeof owner !== 'function') continue;
      const name = nameOf(owner);
      const code = this.#codeOf(owner);
      const path = this.#references.pathOf(owner);
      // The lowering has opened the notebook's own classes: see private-fields.
      if (code !== undefined) continue;
      const reason = foreignReason(name, path);
      if (reason !== undefined) return { reason, mayHide: undefined };
      // A private name in the text may be in a comment or a string; the instance itself is asked then.
      if (/#[\p{ID_Start}$_]/u.test(textOfFunction(owner))) mayHide = describeClass(name, path);
    }
    return { reason: undefined, mayHide };
  }
}

function foreignReason(name: string, path: string | undefined): RefusalReason | undefined {
  const handle = HANDLES.get(name);
  const specifier = path === undefined ? undefined : References.moduleOf(path);
  const isNodes = path === undefined || specifier === undefined || isBuiltin(specifier.replace(/^require:/, ''));
  if (handle !== undefined && isNodes) {
    const [shown, what, advice] = handle;
    return { what: `${shown} ${what}`, advice };
  }
  if (path === undefined)
    return {
      what: `an object of ${name}, which has no source in this notebook`,
      advice: 'import its class in a cell of its own',
    };
  if (GLOBAL_PATH.test(path)) return { what: `${name} ${UNREADABLE[0]}`, advice: UNREADABLE[1] };
  return undefined;
}

function describeClass(name: string, path: string | undefined): string {
  const specifier = path === undefined ? undefined : References.moduleOf(path);
  return specifier === undefined ? name : `${name} of '${specifier}'`;
}

function nameOf(owner: object): string {
  const name: unknown = Reflect.getOwnPropertyDescriptor(owner, 'name')?.value;
  return typeof name === 'string' && name !== '' ? name : 'a class without name';
}
