// Writes a graph: values in, columns and blobs out. Breadth first over a table that is its own queue, so depth costs no stack.
// Nothing of the user's runs: no getter, no setter, no method, no iterator.
import { types } from 'node:util';
import type { Refusal } from './errors';
import { brandOf } from './brands';
import type { Brand } from './brands';
import { hasPlainElements, isIndex, namedKeys } from './array-elements';
import { BufferTable } from './graph-buffers';
import type { ByteRange } from './graph-buffers';
import { ByteColumn, DoubleColumn, IntColumn } from './columns';
import * as format from './graph-format';
import type { Graph } from './graph-format';
import { Activation, UNINITIALISED } from './graph-hooks';
import type { EncodeHooks, FunctionShape, PrivateState, RefusalReason } from './graph-hooks';
import { integrityOf } from './integrity';
import * as intrinsics from './intrinsics';
import { MAIN } from './main-context';
import { pathTo } from './graph-paths';
import { ShapeTable } from './shapes';
import { StringWriter } from './strings';

const { TAG, KIND, KIND_FLAG, INTEGRITY, ATTRIBUTE, DEFAULT_ATTRIBUTES } = format;

export type Numbered = object | symbol;

export interface EncodeOptions {
  /** May grow while the graph is walked: code that is met adds the names it uses. */
  readonly roots: readonly unknown[];
  /** What refusals call them. */
  readonly rootNames: readonly string[];
  readonly hooks: EncodeHooks;
  /** What the reader has already, with its numbers, and which of that is to be described anew. */
  readonly known?: Known;
}

export interface Known {
  readonly objects: readonly Numbered[];
  readonly changed: readonly number[];
  /** The bytes of a changed buffer that differ from what the reader has. */
  readonly changedBytes: (buffer: number) => readonly ByteRange[];
}

export interface Encoded {
  readonly graph: Graph;
  /** By number. */
  readonly objects: readonly Numbered[];
  /** Buffers of which only a part travelled: number → where in the buffer the sent part begins. */
  readonly bufferStarts: ReadonlyMap<number, number>;
  /** Not empty: the graph must not be used. */
  readonly refusals: readonly Refusal[];
}

export function encodeGraph(options: EncodeOptions): Encoded {
  return new GraphEncoder(options).run();
}

/** Of objects the reader knows: how they were reached is known over there. */
const NO_PARENT = -0x8000_0000;

class GraphEncoder {
  readonly #options: EncodeOptions;
  readonly #hooks: EncodeHooks;
  readonly #objects: Numbered[] = [];
  readonly #ids = new Map<Numbered, number>();
  /** By number: the object whose record first mentioned it; -1 - i for root i. For paths only. */
  readonly #parents = new IntColumn();
  readonly #kinds = new ByteColumn();
  readonly #headInts = new IntColumn();
  readonly #headDoubles = new DoubleColumn();
  readonly #tags = new ByteColumn();
  readonly #ints = new IntColumn();
  readonly #doubles = new DoubleColumn();
  readonly #strings = new StringWriter();
  readonly #shapes = new ShapeTable(this.#strings);
  readonly #buffers = new BufferTable();
  readonly #refusals: Refusal[] = [];
  readonly #base: number;
  #current = -1;

  constructor(options: EncodeOptions) {
    this.#options = options;
    this.#hooks = options.hooks;
    for (const value of options.known?.objects ?? []) {
      this.#ids.set(value, this.#objects.length);
      this.#objects.push(value);
      this.#parents.push(NO_PARENT);
    }
    this.#base = this.#objects.length;
  }

  run(): Encoded {
    const { roots, known } = this.#options;
    for (const number of known?.changed ?? []) this.#record(number);
    let root = 0;
    for (let number = this.#base; root < roots.length || number < this.#objects.length;) {
      for (; root < roots.length; root++) this.#meet(roots[root], root);
      if (number < this.#objects.length) this.#record(number++);
    }
    for (const value of roots) this.#value(value);
    return {
      graph: this.#graph(),
      objects: this.#objects,
      bufferStarts: this.#buffers.starts(),
      refusals: this.#refusals,
    };
  }

  #graph(): Graph {
    const { narrow, wide } = this.#strings.done();
    const buffers = this.#buffers.done();
    return {
      objectCount: this.#objects.length,
      base: this.#base,
      changed: Int32Array.from(this.#options.known?.changed ?? []),
      rootCount: this.#options.roots.length,
      columns: {
        kinds: this.#kinds.done(),
        headInts: this.#headInts.done(),
        headDoubles: this.#headDoubles.done(),
        tags: this.#tags.done(),
        ints: this.#ints.done(),
        doubles: this.#doubles.done(),
        shapes: this.#shapes.done(),
        narrowLengths: narrow.lengths,
        narrowPieces: narrow.pieces,
        narrowText: narrow.text,
        wideLengths: wide.lengths,
        widePieces: wide.pieces,
        wideText: wide.text,
        bufferInts: buffers.ints,
        bufferDoubles: buffers.doubles,
        small: buffers.small,
      },
      blobs: buffers.blobs,
    };
  }

  #number(value: Numbered): number {
    const known = this.#ids.get(value);
    if (known !== undefined) return known;
    const number = this.#objects.length;
    this.#objects.push(value);
    this.#ids.set(value, number);
    this.#parents.push(this.#current);
    return number;
  }

  #meet(value: unknown, root: number): void {
    this.#current = -1 - root;
    if ((typeof value === 'object' && value !== null) || typeof value === 'function' || typeof value === 'symbol')
      this.#number(value);
  }

  #value(value: unknown): void {
    switch (typeof value) {
      case 'string':
        this.#tags.push(TAG.string);
        this.#ints.push(this.#strings.id(value));
        return;
      case 'number':
        if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
          this.#tags.push(TAG.int);
          this.#ints.push(value);
        } else {
          this.#tags.push(TAG.double);
          this.#doubles.push(value);
        }
        return;
      case 'object':
        if (value === null) this.#tags.push(TAG.null);
        else this.#reference(value);
        return;
      case 'function':
        this.#reference(value);
        return;
      case 'boolean':
        this.#tags.push(value ? TAG.true : TAG.false);
        return;
      case 'undefined':
        this.#tags.push(TAG.undefined);
        return;
      case 'symbol':
        if (value === UNINITIALISED) this.#tags.push(TAG.uninitialised);
        else this.#reference(value);
        return;
      case 'bigint':
        this.#tags.push(TAG.bigint);
        this.#ints.push(this.#strings.id(value.toString(16)));
    }
  }

  /** A value that an object needs to be made. */
  #headValue(value: unknown): void {
    if (typeof value === 'number') {
      this.#headInts.push(TAG.double);
      this.#headDoubles.push(value);
    } else if (typeof value === 'string' || typeof value === 'bigint') {
      this.#headInts.push(typeof value === 'string' ? TAG.string : TAG.bigint);
      this.#headInts.push(this.#strings.id(typeof value === 'string' ? value : value.toString(16)));
    } else if (typeof value === 'boolean') this.#headInts.push(value ? TAG.true : TAG.false);
    else if (value === undefined || value === null) this.#headInts.push(value === null ? TAG.null : TAG.undefined);
    else {
      this.#headInts.push(TAG.reference);
      this.#headInts.push(this.#number(value as Numbered));
    }
  }

  #reference(value: Numbered): void {
    const number = this.#number(value);
    this.#tags.push(TAG.reference);
    this.#ints.push(number);
  }

  #record(number: number): void {
    this.#current = number;
    const value = this.#objects[number];
    if (value === undefined) throw new RangeError(`There is no object ${number}.`);
    if (typeof value === 'symbol') this.#symbol(value);
    else if (value instanceof Activation) this.#activation(value);
    else if (typeof value === 'function') this.#function(value);
    else this.#object(value, number);
  }

  #object(value: object, number: number): void {
    if (isPlainArray(value) && Reflect.getPrototypeOf(value) === intrinsics.ArrayPrototype) {
      this.#array(value);
      return;
    }
    const path = this.#hooks.pathOf(value);
    if (path !== undefined) {
      this.#byPath(path);
      return;
    }
    const brand = isPlainObject(value) ? 'object' : brandOf(value);
    const reason = REFUSED_BRANDS[brand] ?? this.#refusedInstance(value, brand);
    if (reason !== undefined) this.#refuse(reason);
    else if (brand === 'object') this.#ordinary(value);
    else if (brand === 'array') this.#array(value as unknown[]);
    else if (brand === 'view' || brand === 'dataView') this.#view(value as ArrayBufferView, brand);
    else if (brand === 'buffer' || brand === 'shared') this.#buffer(value as ArrayBuffer, number, brand === 'shared');
    else this.#slots(value, brand);
  }

  /** Only what is no plain object is asked about: it costs more than writing a small object. */
  #refusedInstance(value: object, brand: Brand): RefusalReason | undefined {
    const prototype = Reflect.getPrototypeOf(value);
    if (isPlainPrototype(prototype) || OWN_SLOTS.has(brand)) return undefined;
    const reason = this.#hooks.refuse(value);
    if (reason !== undefined || brand === 'object') return reason;
    const [hidden] = this.#hooks.privatesOf(value);
    if (hidden === undefined) return undefined;
    const names = Object.keys(hidden.values).join(', ');
    return {
      what: `its class extends a builtin and hides state in ${names}`,
      advice: 'keep that state in public fields',
    };
  }

  #refuse(reason: RefusalReason): void {
    const path = pathTo(this.#current, {
      objects: this.#objects,
      parents: this.#parents.done(),
      rootNames: this.#options.rootNames,
      roots: this.#options.roots,
      hooks: this.#hooks,
    });
    this.#refusals.push({ path, ...reason });
    this.#kinds.push(KIND.reference);
    this.#headInts.push(this.#strings.id(''));
  }

  #byPath(path: string): void {
    this.#kinds.push(KIND.reference);
    this.#headInts.push(this.#strings.id(path));
  }

  /** Kind byte with its flags, and the prototype where it is not the usual one of the kind. */
  #begin(kind: number, value: object, usual: object | null, hasExtras: boolean): void {
    const prototype = Reflect.getPrototypeOf(value);
    const isUsual = prototype === usual;
    this.#kinds.push(kind | (isUsual ? 0 : KIND_FLAG.prototype) | (hasExtras ? KIND_FLAG.extras : 0));
    if (!isUsual) this.#headInts.push(prototype === null ? -1 : this.#number(prototype));
  }

  #ordinary(value: object): void {
    const keys = keysOf(value);
    if (keys[0] === 'constructor' && this.#prototype(value, keys)) return;
    const integrity = integrityOf(value);
    const plain = this.#readPlain(value, keys, attributesOf(integrity));
    const prototype = Reflect.getPrototypeOf(value);
    const privates = isPlainPrototype(prototype) ? NO_PRIVATES : this.#hooks.privatesOf(value);
    const hasExtras = plain === undefined || integrity !== INTEGRITY.none || privates.length > 0;
    const [newest] = privates;
    this.#begin(newest === undefined ? KIND.object : KIND.revived, value, intrinsics.ObjectPrototype, hasExtras);
    if (newest !== undefined) this.#headInts.push(this.#number(newest.owner));
    this.#ints.push(this.#shapes.id(plain ?? NO_KEYS));
    if (plain !== undefined) this.#writeScratch(plain.length);
    if (hasExtras) this.#extras(value, plain === undefined ? keys : NO_KEYS, integrity, false, privates);
  }

  readonly #scratch: unknown[] = [];

  /** The keys, when all properties are plain values of text keys; those are in the scratch array then, read without a getter. */
  #readPlain(value: object, keys: readonly (string | symbol)[], attributes: number): readonly string[] | undefined {
    const scratch = this.#scratch;
    const writable = (attributes & ATTRIBUTE.writable) !== 0;
    const configurable = (attributes & ATTRIBUTE.configurable) !== 0;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      if (typeof key !== 'string') return undefined;
      const own = Object.getOwnPropertyDescriptor(value, key);
      // An accessor has no `writable` at all.
      if (own?.writable !== writable || own.enumerable !== true || own.configurable !== configurable) return undefined;
      scratch[i] = own.value;
    }
    return keys as readonly string[];
  }

  #writeScratch(count: number): void {
    const scratch = this.#scratch;
    for (let i = 0; i < count; i++) {
      this.#value(scratch[i]);
      scratch[i] = undefined;
    }
  }

  /** Is it the `prototype` of a function that travels? Then it comes with the function. */
  #prototype(value: object, keys: readonly (string | symbol)[]): boolean {
    const owner: unknown = Reflect.getOwnPropertyDescriptor(value, 'constructor')?.value;
    if (typeof owner !== 'function') return false;
    if (Reflect.getOwnPropertyDescriptor(owner, 'prototype')?.value !== value) return false;
    const isForeign = this.#hooks.pathOf(owner) !== undefined;
    if (isForeign) this.#kinds.push(KIND.prototype);
    else this.#begin(KIND.prototype, value, intrinsics.ObjectPrototype, true);
    this.#headInts.push(this.#number(owner));
    if (!isForeign) this.#extras(value, keys, integrityOf(value), true);
    return true;
  }

  #array(value: unknown[]): void {
    const integrity = integrityOf(value);
    const { length } = value;
    const attributes = attributesOf(integrity);
    const named = namedKeys(value);
    const isFixed = Reflect.getOwnPropertyDescriptor(value, 'length')?.writable === false;
    const content = hasPlainElements(value) ? elementsOf(value) : checkedElements(value, attributes);
    const extraKeys = content === 'mixed' ? Reflect.ownKeys(value).filter((key) => key !== 'length') : named;
    if (isFixed && integrity !== INTEGRITY.frozen) extraKeys.push('length');
    const hasExtras = extraKeys.length > 0 || integrity !== INTEGRITY.none;
    if (content === 'numbers') {
      this.#begin(KIND.numbers, value, intrinsics.ArrayPrototype, hasExtras);
      this.#ints.push(length);
      this.#doubles.pushAll(value as number[]);
    } else if (content === 'dense') {
      this.#begin(KIND.array, value, intrinsics.ArrayPrototype, hasExtras);
      this.#ints.push(length);
      this.#elements(value);
    } else {
      this.#begin(KIND.sparse, value, intrinsics.ArrayPrototype, hasExtras);
      this.#entries(value, content === 'mixed');
    }
    if (hasExtras) this.#extras(value, extraKeys, integrity);
  }

  #elements(value: readonly unknown[]): void {
    const { length } = value;
    for (let index = 0; index < length; index++) {
      const item = value[index];
      if (item === undefined && !Object.hasOwn(value, index)) this.#tags.push(TAG.hole);
      else this.#value(item);
    }
  }

  /** A sparse array as pairs of index and value; one with accessors among its elements has all of them in the extras. */
  #entries(value: readonly unknown[], mixed: boolean): void {
    this.#doubles.push(value.length);
    const keys = mixed ? [] : Object.keys(value).filter(isIndex);
    this.#ints.push(keys.length);
    for (const key of keys) {
      this.#doubles.push(Number(key));
      this.#value(value[Number(key)]);
    }
  }

  #view(value: ArrayBufferView, brand: 'view' | 'dataView'): void {
    const isData = brand === 'dataView';
    const isNodeBuffer = !isData && MAIN.Buffer.prototype.isPrototypeOf(value);
    const name = isData ? 'DataView' : isNodeBuffer ? 'Buffer' : (intrinsics.viewName(value) ?? '');
    const index = format.VIEW_NAMES.indexOf(name as (typeof format.VIEW_NAMES)[number]);
    if (index < 0) {
      this.#refuse({ what: `${name} is not known here`, advice: 'copy it into another typed array' });
      return;
    }
    const buffer = (isData ? intrinsics.dataViewBuffer : intrinsics.viewBuffer)(value);
    const offset = (isData ? intrinsics.dataViewOffset : intrinsics.viewOffset)(value);
    const length = (isData ? intrinsics.dataViewLength : intrinsics.viewLength)(value);
    const keys = isData ? Reflect.ownKeys(value) : namedKeys(value as Uint8Array);
    const integrity = integrityOf(value);
    const hasExtras = keys.length > 0 || integrity !== INTEGRITY.none;
    this.#begin(KIND.view, value, viewPrototype(name), hasExtras);
    const number = this.#number(buffer);
    const bytes = isData ? length : length * bytesPerElement(name);
    this.#buffers.cover(number, { offset, length: bytes }, isNodeBuffer && buffer.byteLength === MAIN.Buffer.poolSize);
    this.#headInts.push(index);
    this.#headInts.push(number);
    this.#headDoubles.push(offset);
    this.#headDoubles.push(length);
    if (hasExtras) this.#extras(value, keys, integrity);
  }

  #buffer(value: ArrayBuffer, number: number, shared: boolean): void {
    if (Reflect.get(value, shared ? 'growable' : 'resizable') === true) {
      this.#refuse({ what: 'a buffer that can be resized', advice: 'copy it into one of fixed length' });
      return;
    }
    const keys = Reflect.ownKeys(value);
    const usual = shared ? MAIN.SharedArrayBuffer.prototype : MAIN.ArrayBuffer.prototype;
    const integrity = integrityOf(value);
    const hasExtras = keys.length > 0 || integrity !== INTEGRITY.none;
    this.#begin(KIND.buffer, value, usual, hasExtras);
    const ranges = number < this.#base ? this.#options.known?.changedBytes(number) : undefined;
    this.#buffers.add(number, value, shared, ranges);
    if (hasExtras) this.#extras(value, keys, integrity);
  }

  #slots(value: object, brand: Brand): void {
    const integrity = integrityOf(value);
    const keys = Reflect.ownKeys(value).filter(
      (key) => !isSlotKey(brand, key) && !this.#isDecoration(value, key, brand),
    );
    const hasExtras = keys.length > 0 || integrity !== INTEGRITY.none;
    switch (brand) {
      case 'map':
        this.#begin(KIND.map, value, MAIN.Map.prototype, hasExtras);
        this.#pairs(value);
        break;
      case 'set':
        this.#begin(KIND.set, value, MAIN.Set.prototype, hasExtras);
        this.#members(value);
        break;
      case 'date':
        this.#begin(KIND.date, value, MAIN.Date.prototype, hasExtras);
        this.#doubles.push(intrinsics.dateTime(value));
        break;
      case 'regexp':
        this.#begin(KIND.regexp, value, MAIN.RegExp.prototype, hasExtras);
        this.#headInts.push(this.#strings.id(intrinsics.regexpSource(value)));
        this.#headInts.push(this.#strings.id(intrinsics.regexpFlags(value)));
        this.#value(Reflect.getOwnPropertyDescriptor(value, 'lastIndex')?.value);
        break;
      case 'error':
        this.#error(value, hasExtras);
        break;
      case 'url':
        this.#begin(KIND.url, value, MAIN.URL.prototype, hasExtras);
        this.#headInts.push(this.#strings.id(intrinsics.hrefOf(value)));
        this.#headInts.push(this.#number(intrinsics.searchParamsOf(value)));
        break;
      case 'searchParams':
        this.#begin(KIND.searchParams, value, MAIN.URLSearchParams.prototype, hasExtras);
        this.#headInts.push(this.#strings.id(intrinsics.searchText(value)));
        break;
      default:
        this.#begin(KIND.boxed, value, boxPrototype(brand), hasExtras);
        this.#headValue(intrinsics.unboxed(value, brand));
    }
    if (hasExtras) this.#extras(value, keys, integrity);
  }

  /** Hidden methods that Node hangs on each of its errors; they say nothing and cannot travel. */
  #isDecoration(value: object, key: string | symbol, brand: Brand): boolean {
    if (brand !== 'error') return false;
    const descriptor = Reflect.getOwnPropertyDescriptor(value, key);
    if (descriptor === undefined || descriptor.enumerable === true || key === 'stack') return false;
    const code: unknown = descriptor.get ?? descriptor.value;
    return (
      typeof code === 'function' &&
      this.#hooks.pathOf(code) === undefined &&
      this.#hooks.describe(code).kind === 'refused'
    );
  }

  #pairs(value: object): void {
    const count = this.#ints.reserve();
    let size = 0;
    intrinsics.mapEach(value, (item, key) => {
      this.#value(key);
      this.#value(item);
      size += 1;
    });
    this.#ints.set(count, size);
  }

  #members(value: object): void {
    const count = this.#ints.reserve();
    let size = 0;
    intrinsics.setEach(value, (item) => {
      this.#value(item);
      size += 1;
    });
    this.#ints.set(count, size);
  }

  #error(value: object, hasExtras: boolean): void {
    const index = errorIndex(value);
    const name = format.ERROR_NAMES[index] ?? 'Error';
    this.#begin(KIND.error, value, MAIN[name].prototype, hasExtras);
    this.#headInts.push(index);
  }

  #symbol(value: symbol): void {
    const path = this.#hooks.pathOf(value);
    if (path !== undefined) {
      this.#byPath(path);
      return;
    }
    this.#kinds.push(KIND.symbol);
    const key = Symbol.keyFor(value);
    const text = key ?? value.description;
    this.#headInts.push(key !== undefined ? 2 : text === undefined ? 1 : 0);
    this.#headInts.push(this.#strings.id(text ?? ''));
  }

  #activation(value: Activation): void {
    this.#kinds.push(KIND.activation);
    this.#headInts.push(value.names.length);
    for (const name of value.names) this.#headInts.push(this.#strings.id(name));
    for (const variable of value.read()) this.#value(variable);
  }

  #function(value: object): void {
    const path = this.#hooks.pathOf(value);
    if (path !== undefined) {
      this.#byPath(path);
      return;
    }
    const shape = this.#hooks.describe(value);
    if (shape.kind === 'refused') this.#refuse(shape.reason);
    else if (shape.kind === 'member') this.#member(shape);
    else if (shape.kind === 'bound') this.#bound(value, shape);
    else this.#code(value, shape);
  }

  #code(value: object, shape: FunctionShape & { kind: 'function' | 'class' | 'source' }): void {
    const prototype = Reflect.getPrototypeOf(value);
    const superclass = shape.kind === 'class' ? (shape.superclass ?? null) : null;
    const usual =
      superclass ?? (intrinsics.FUNCTION_PROTOTYPES.has(prototype) ? prototype : intrinsics.FunctionPrototype);
    this.#begin(KIND[shape.kind], value, usual, true);
    if (shape.kind === 'source') this.#headInts.push(this.#strings.id(shape.text));
    else {
      this.#headInts.push(this.#strings.id(shape.code));
      this.#headInts.push(shape.activation === undefined ? -1 : this.#number(shape.activation));
      if (shape.kind === 'class') this.#headInts.push(superclass === null ? -1 : this.#number(superclass));
    }
    this.#extras(value, Reflect.ownKeys(value), integrityOf(value), true);
  }

  #member(shape: FunctionShape & { kind: 'member' }): void {
    this.#kinds.push(KIND.member);
    this.#headInts.push(this.#number(shape.owner));
    this.#headInts.push(shape.isStatic ? 1 : 0);
    const { key } = shape;
    this.#headInts.push(typeof key === 'string' ? this.#strings.id(key) : -1);
    if (typeof key === 'symbol') this.#headInts.push(this.#number(key));
    this.#headInts.push(shape.slot === 'value' ? 0 : shape.slot === 'get' ? 1 : 2);
  }

  #bound(value: object, shape: FunctionShape & { kind: 'bound' }): void {
    this.#begin(KIND.bound, value, Reflect.getPrototypeOf(shape.target), true);
    this.#headInts.push(this.#number(shape.target));
    this.#headValue(shape.self);
    this.#headInts.push(shape.args.length);
    for (const argument of shape.args) this.#headValue(argument);
    this.#extras(value, Reflect.ownKeys(value), integrityOf(value), true);
  }

  #extras(
    value: object,
    keys: readonly (string | symbol)[],
    integrity: number,
    isCode = false,
    privates: readonly PrivateState[] = isCode ? this.#hooks.privatesOf(value) : [],
  ): void {
    this.#ints.push(integrity);
    this.#ints.push(keys.length);
    for (const key of keys) this.#property(value, key, isCode);
    this.#ints.push(privates.length);
    for (const state of privates) this.#privates(state);
  }

  #privates({ owner, isStatic, values }: PrivateState): void {
    this.#value(owner);
    const names = Object.keys(values);
    this.#ints.push(isStatic ? 1 : 0);
    this.#ints.push(names.length);
    for (const name of names) {
      this.#value(name);
      this.#value(values[name]);
    }
  }

  #property(value: object, key: string | symbol, isCode: boolean): void {
    const descriptor = Reflect.getOwnPropertyDescriptor(value, key);
    if (descriptor === undefined) throw new TypeError(`A property went away while it was read: ${String(key)}.`);
    this.#value(key);
    const isAccessor = descriptor.get !== undefined || descriptor.set !== undefined;
    const asData = isAccessor && key === 'stack' && brandOf(value) === 'error' && isEngineAccessor(descriptor);
    this.#ints.push(
      (descriptor.writable === true || asData ? ATTRIBUTE.writable : 0) |
        (descriptor.enumerable === true ? ATTRIBUTE.enumerable : 0) |
        (descriptor.configurable === true ? ATTRIBUTE.configurable : 0) |
        (isAccessor && !asData ? ATTRIBUTE.accessor : 0),
    );
    if (isCode && this.#hooks.isImplied(value, key, descriptor)) this.#tags.push(TAG.implied);
    else if (asData) this.#value(Reflect.get(value, key));
    else if (isAccessor) {
      this.#value(descriptor.get);
      this.#value(descriptor.set);
    } else this.#value(descriptor.value);
  }
}

const REFUSED_BRANDS: Partial<Record<Brand, RefusalReason>> = {
  proxy: { what: 'a Proxy; its target would be copied without its traps', advice: 'ship the target' },
  promise: { what: 'a Promise that is still pending', advice: 'await it first' },
  weakMap: { what: 'WeakMap cannot be read', advice: 'use a Map or Set' },
  weakSet: { what: 'WeakSet cannot be read', advice: 'use a Map or Set' },
  weakRef: { what: 'WeakRef cannot be read', advice: 'use a Map or Set' },
  finalizationRegistry: { what: 'FinalizationRegistry cannot be read', advice: 'use a Map or Set' },
  generator: { what: 'it is a running generator', advice: 'collect it into an array' },
  iterator: { what: 'it is a running iterator', advice: 'collect it into an array' },
  arguments: { what: 'the arguments of a call', advice: 'use rest parameters' },
  namespace: { what: 'a module that is not known here', advice: 'import the module inside the cell' },
  wasm: { what: 'WebAssembly object is live memory of this process', advice: 'compile it inside the cell' },
  native: { what: 'it is a native handle of this process', advice: 'create it inside the cell' },
};

const NO_KEYS: readonly string[] = [];
const NO_PRIVATES: readonly PrivateState[] = [];

/** Reflect.ownKeys, at a third of its cost where there are no symbols. */
function keysOf(value: object): readonly (string | symbol)[] {
  return Object.getOwnPropertySymbols(value).length === 0 ? Object.getOwnPropertyNames(value) : Reflect.ownKeys(value);
}

function isPlainPrototype(prototype: object | null): boolean {
  return prototype === null || prototype === intrinsics.ObjectPrototype;
}

/** Kinds whose state is read by their own means; Node's classes for them hide it in private fields. */
const OWN_SLOTS: ReadonlySet<Brand> = new Set(['url', 'searchParams']);

/** Quick answers for what there is most of. */
function isPlainArray(value: object): value is unknown[] {
  return Array.isArray(value) && !types.isProxy(value);
}

function isPlainObject(value: object): boolean {
  return (
    !types.isProxy(value) &&
    Reflect.getPrototypeOf(value) === intrinsics.ObjectPrototype &&
    !types.isArgumentsObject(value) &&
    (Object.getOwnPropertyNames(value).length > 0 || !SLOTTED.some((test) => test(value)))
  );
}

/** Things whose prototype someone may have set to that of plain objects; they have no keys. */
const SLOTTED = [
  types.isMap,
  types.isSet,
  types.isNativeError,
  types.isArrayBufferView,
  types.isAnyArrayBuffer,
  types.isDate,
];

/** The attributes that properties have when nothing but the integrity level has changed them. */
function attributesOf(integrity: number): number {
  if (integrity === INTEGRITY.frozen) return ATTRIBUTE.enumerable;
  if (integrity === INTEGRITY.sealed) return ATTRIBUTE.enumerable | ATTRIBUTE.writable;
  return DEFAULT_ATTRIBUTES;
}

function isPlain(value: object, key: string | number, attributes: number): boolean {
  const descriptor = Object.getOwnPropertyDescriptor(value, key);
  return (
    descriptor !== undefined &&
    descriptor.get === undefined &&
    descriptor.set === undefined &&
    descriptor.enumerable === true &&
    descriptor.writable === ((attributes & ATTRIBUTE.writable) !== 0) &&
    descriptor.configurable === ((attributes & ATTRIBUTE.configurable) !== 0)
  );
}

type Elements = 'numbers' | 'dense' | 'sparse' | 'mixed';

/** Below this an array of numbers is smaller as tagged values. */
const FEW_NUMBERS = 8;

/** For arrays whose elements are known to be plain values or holes. */
function elementsOf(value: readonly unknown[]): Elements {
  let numbers = 0;
  let missing = 0;
  for (const item of value) {
    if (typeof item === 'number') numbers += 1;
    else if (item === undefined) missing += 1;
  }
  if (numbers === value.length) return 'numbers';
  return missing * 2 > value.length && Object.keys(value).length * 2 < value.length ? 'sparse' : 'dense';
}

/** Looks at each element's descriptor, by index; by key where there are more holes than elements. */
function checkedElements(value: readonly unknown[], attributes: number): Elements {
  const { length } = value;
  if (length > 1024 && Object.keys(value).length * 2 < length) {
    const keys = Object.keys(value).filter(isIndex);
    return keys.every((key) => isPlain(value, key, attributes)) ? 'sparse' : 'mixed';
  }
  const writable = (attributes & ATTRIBUTE.writable) !== 0;
  const configurable = (attributes & ATTRIBUTE.configurable) !== 0;
  let numbers = length >= FEW_NUMBERS;
  for (let index = 0; index < length; index++) {
    const own = Object.getOwnPropertyDescriptor(value, index);
    if (own === undefined) numbers = false;
    else if (own.writable !== writable || own.enumerable !== true || own.configurable !== configurable) return 'mixed';
    else if (typeof own.value !== 'number') numbers = false;
  }
  return numbers ? 'numbers' : 'dense';
}

function errorIndex(value: object): number {
  for (let p = Reflect.getPrototypeOf(value); p !== null; p = Reflect.getPrototypeOf(p)) {
    const index = format.ERROR_NAMES.findIndex((name) => MAIN[name].prototype === p);
    if (index >= 0) return index;
  }
  return 0;
}

/** Newer engines give `stack` as an accessor of their own on each error; it is state all the same. */
function isEngineAccessor(descriptor: PropertyDescriptor): boolean {
  return descriptor.get !== undefined && intrinsics.textOfFunction(descriptor.get).includes('[native code]');
}

function bytesPerElement(name: string): number {
  return (Reflect.get(MAIN, name) as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1;
}

function viewPrototype(name: string): object {
  return (Reflect.get(MAIN, name) as { prototype: object }).prototype;
}

function boxPrototype(name: string): object {
  return (Reflect.get(MAIN, name) as { prototype: object }).prototype;
}

/** Own keys that the slots of a kind bring along. */
function isSlotKey(brand: Brand, key: string | symbol): boolean {
  if (brand === 'regexp') return key === 'lastIndex';
  return brand === 'String' && typeof key === 'string' && (key === 'length' || Number(key) >= 0);
}
