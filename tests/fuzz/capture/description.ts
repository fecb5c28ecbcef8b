// A canonical description of values: who is who (numbers in the order of the walk), prototypes, slots, properties with order and attributes, variables of
// closures. Two namespaces are equal if their descriptions are.
import { types } from 'node:util';
import { MAIN } from '../../../magics/protocol/main-context';
import { MARK } from '../../../magics/protocol/code';
import type { Activation } from '../../../magics/protocol/graph';
import { isBookkeeping } from '../../../magics/protocol/intrinsics';
import { Describer } from '../../../magics/realm/describing';
import { privatesOf } from '../../../magics/realm/private-fields';
import type { Realm } from '../../../magics/realm/realm';

/** `text` by path: `o.list[2]`. */
export interface Line {
  readonly path: string;
  readonly text: string;
}

export function describeNames(realm: Realm, names: readonly string[]): Line[] {
  const description = new Description(realm);
  try {
    for (const name of names) description.add(name, realm.get(name));
    return description.finish();
  } finally {
    description.close();
  }
}

/** The first difference, in words; undefined if there is none. */
export function compareLines(a: readonly Line[], b: readonly Line[]): string | undefined {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const [x, y] = [a[at], b[at]];
    if (x?.path === y?.path && x?.text === y?.text) continue;
    return `${x?.path ?? y?.path ?? ''}\n    here:     ${x?.text ?? 'nothing more'}\n    cluster:  ${y?.path === x?.path ? '' : `${y?.path ?? ''} `}${y?.text ?? 'nothing more'}`;
  }
  return undefined;
}

class Description {
  readonly #realm: Realm;
  readonly #describer: Describer;
  readonly #numbers = new Map<unknown, number>();
  readonly #todo: (readonly [path: string, value: object])[] = [];
  readonly #lines: Line[] = [];

  constructor(realm: Realm) {
    this.#realm = realm;
    this.#describer = new Describer(realm, () => undefined);
  }

  close(): void {
    this.#describer.close();
  }

  add(path: string, value: unknown): void {
    this.#lines.push({ path, text: this.#text(path, value) });
  }

  finish(): Line[] {
    for (let next = this.#todo.shift(); next !== undefined; next = this.#todo.shift()) this.#object(...next);
    return this.#lines;
  }

  /** A primitive, a builtin by its path, or a number. */
  #text(path: string, value: unknown): string {
    if (typeof value === 'symbol') return this.#symbol(value);
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return primitiveText(value);
    const known = this.#realm.references.pathOf(value);
    if (known !== undefined) return known;
    const number = this.#numbers.get(value);
    if (number !== undefined) return `#${number}`;
    this.#numbers.set(value, this.#numbers.size);
    this.#todo.push([path, value]);
    return `#${this.#numbers.size - 1}`;
  }

  #symbol(value: symbol): string {
    const key = Symbol.keyFor(value);
    if (key !== undefined) return `Symbol.for(${key})`;
    if (this.#realm.references.pathOf(value) !== undefined) return String(value);
    const number = this.#numbers.get(value) ?? this.#numbers.size;
    this.#numbers.set(value, number);
    return `#${number} ${String(value)}`;
  }

  #object(path: string, value: object): void {
    const say = (step: string, part: unknown): string => `${step}=${this.#text(`${path}${step}`, part)}`;
    const head = [
      Object.prototype.toString.call(value),
      say('.[[Prototype]]', Reflect.getPrototypeOf(value)),
      Object.isFrozen(value) ? 'frozen' : Object.isSealed(value) ? 'sealed' : Object.isExtensible(value) ? '' : 'fixed',
      ...this.#slots(path, value, say),
    ];
    this.#lines.push({ path, text: head.join(' ') });
    for (const key of Reflect.ownKeys(value)) {
      if (ArrayBuffer.isView(value) && typeof key === 'string' && /^\d+$/.test(key)) continue;
      // What async_hooks note is this process's own.
      if (types.isPromise(value) && isBookkeeping(key)) continue;
      this.#property(path, value, key, say);
    }
  }

  #property(path: string, value: object, key: string | symbol, say: (step: string, part: unknown) => string): void {
    const descriptor = Reflect.getOwnPropertyDescriptor(value, key);
    if (descriptor === undefined) return;
    const step = typeof key === 'symbol' ? `[${this.#symbol(key)}]` : `.${key}`;
    if (types.isNativeError(value) && key === 'stack') {
      this.#lines.push({ path: `${path}.stack`, text: stackText(Reflect.get(value, 'stack')) });
      return;
    }
    const flags = (['writable', 'enumerable', 'configurable'] as const).map((flag) =>
      descriptor[flag] === true ? flag[0] : '-',
    );
    const parts =
      descriptor.get === undefined && descriptor.set === undefined
        ? [say(step, descriptor.value)]
        : [say(`${step}<`, descriptor.get), say(`${step}>`, descriptor.set)];
    this.#lines.push({ path: path + step, text: `${flags.join('')} ${parts.join(' ')}` });
  }

  #slots(path: string, value: object, say: (step: string, part: unknown) => string): string[] {
    if (typeof value === 'function') return this.#code(path, value, say);
    const privates = privatesOf(value).flatMap(({ owner, values }) =>
      Object.entries(values).map(([name, part]) => say(`.${name}`, part) + say(' of ', owner)),
    );
    return [...privates, ...this.#outcome(value, say), ...slotsOf(value, say)];
  }

  #outcome(value: object, say: (step: string, part: unknown) => string): string[] {
    if (!types.isPromise(value)) return [];
    const settled = this.#describer.settledAs(value);
    return settled === undefined ? ['pending'] : [settled.state, say('⟨settled⟩', settled.value)];
  }

  #code(path: string, value: object, say: (step: string, part: unknown) => string): string[] {
    const shape = this.#describer.describe(value);
    if (shape.kind === 'bound')
      return [
        say('⟨this⟩', shape.self),
        say('⟨target⟩', shape.target),
        ...shape.args.map((part, i) => say(`⟨${i}⟩`, part)),
      ];
    if (shape.kind === 'member')
      return ['member', say(' of ', shape.owner), String(shape.isStatic), shape.slot, String(shape.key)];
    if (shape.kind === 'refused') return [`refused: ${shape.reason.what}`];
    if (shape.kind === 'source') return [shape.text];
    const code = this.#describer.codeOf(value);
    const variables = (code?.function.captures ?? []).map((name) => this.#variable(path, name, shape.activation));
    const statics = privatesOf(value).flatMap(({ values }) =>
      Object.entries(values).map(([name, part]) => say(`.${name}`, part)),
    );
    return [shape.code, ...variables, ...statics];
  }

  /** With the number of the activation, if it is shared: who shares it is part of what closures are. */
  #variable(path: string, name: string, innermost: Activation | undefined): string {
    for (let at = innermost; at !== undefined; at = this.#describer.parentOf(at)) {
      const index = at.names.indexOf(name);
      if (index < 0) continue;
      const shared = at.portal === '' ? '' : `@${this.#identity(at)}`;
      return `⟨${name}⟩${shared}=${this.#text(`${path}⟨${name}⟩`, at.read()[index])}`;
    }
    return `⟨${name}⟩ is nowhere`;
  }

  #identity(activation: Activation): number {
    const number = this.#numbers.get(activation) ?? this.#numbers.size;
    this.#numbers.set(activation, number);
    return number;
  }
}

function primitiveText(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (Object.is(value, -0)) return '-0';
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

function slotsOf(value: object, say: (step: string, part: unknown) => string): string[] {
  if (types.isMap(value))
    return [...MAIN.Map.prototype.entries.call(value)].map(
      ([key, item], i) => `${say(`.key(${i})`, key)}→${say(`.get(${i})`, item)}`,
    );
  if (types.isSet(value)) return [...MAIN.Set.prototype.values.call(value)].map((item, i) => say(`{${i}}`, item));
  if (types.isDate(value)) return [String(MAIN.Date.prototype.getTime.call(value))];
  if (types.isRegExp(value)) return [String(value), String(value.lastIndex)];
  if (types.isAnyArrayBuffer(value)) return [Buffer.from(value as ArrayBuffer).toString('hex')];
  if (ArrayBuffer.isView(value)) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex');
    // Small Buffers lie in a pool that belongs to the process.
    return Buffer.isBuffer(value) ? [bytes] : [bytes, String(value.byteOffset), say('.buffer', value.buffer)];
  }
  if (types.isBoxedPrimitive(value)) return [primitiveText(valueOfBox(value))];
  if (value instanceof MAIN.URL) return [value.href, say('.searchParams', value.searchParams)];
  if (value instanceof MAIN.URLSearchParams) return [value.toString()];
  return [];
}

const UNBOXES: readonly ((this: unknown) => unknown)[] = [
  MAIN.Number,
  MAIN.String,
  MAIN.Boolean,
  MAIN.BigInt,
  MAIN.Symbol,
].map((builtin) => Reflect.get(builtin.prototype, 'valueOf') as (this: unknown) => unknown);

function valueOfBox(value: object): unknown {
  for (const unbox of UNBOXES)
    try {
      return unbox.call(value);
    } catch {
      // Another kind of box.
      continue;
    }
  return undefined;
}

/** Only the frames in cells: below them are those of whoever runs the cells, above them is what the message was when the stack was first looked at. */
function stackText(stack: unknown): string {
  const lines = String(stack).replaceAll(MARK, '').split('\n');
  return lines.filter((line) => line.includes('Cell [')).join(' | ');
}
