// Writes a graph: values in, columns and blobs out. Breadth first over a table that is its own queue, so depth costs no stack.
// Nothing of the user's runs: no getter, no setter, no method, no iterator.
import type { Refusal } from './errors';
import { brandOf, isPlainArray, isPlainObject, refusalOf } from './brands';
import type { Brand } from './brands';
import { ByteRecords } from './graph-byte-records';
import { CodeRecords } from './graph-code-records';
import { inCodedOrder } from './graph-coded';
import { ERROR_NAMES } from './graph-format';
import type { Graph } from './graph-format';
import { Activation } from './graph-hooks';
import type { RefusalReason } from './graph-hooks';
import { ObjectRecords, isPlainPrototype, type PlainForm } from './graph-object-records';
import { scanGraph } from './graph-scan';
import { SlotRecords, errorIndex } from './graph-slot-records';
import { GraphWriter } from './graph-writer';
import type { EncodeOptions, Numbered } from './graph-writer';
import * as intrinsics from './intrinsics';
import { Forms, withNatives } from './likeness';

export type { EncodeOptions, Known, Numbered } from './graph-writer';

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
  return withNatives((natives) => new GraphEncoder(options, new Forms<PlainForm>(natives)).run());
}

class GraphEncoder {
  readonly #options: EncodeOptions;
  readonly #to: GraphWriter;
  readonly #plain: ObjectRecords;
  readonly #bytes: ByteRecords;
  readonly #slots: SlotRecords;
  readonly #codes: CodeRecords;

  constructor(options: EncodeOptions, forms: Forms<PlainForm>) {
    this.#options = options;
    this.#to = new GraphWriter(options);
    this.#plain = new ObjectRecords(this.#to, forms);
    this.#bytes = new ByteRecords(this.#to);
    this.#slots = new SlotRecords(this.#to);
    this.#codes = new CodeRecords(this.#to);
  }

  run(): Encoded {
    const { roots, known } = this.#options;
    for (const number of known?.changed ?? []) this.#record(number);
    let root = 0;
    for (let number = this.#to.base; root < roots.length || number < this.#to.objects.length;) {
      for (; root < roots.length; root++) this.#to.meet(roots[root], root);
      if (number < this.#to.objects.length) this.#record(number++);
    }
    for (const value of roots) this.#to.value(value);
    const graph = this.#to.done();
    this.#refuseImpossible(graph);
    return {
      graph,
      objects: this.#to.objects,
      bufferStarts: this.#to.buffers.starts(),
      refusals: this.#to.refusals,
    };
  }

  #record(number: number): void {
    this.#to.enter(number);
    const value = this.#to.objects[number];
    if (value === undefined) throw new RangeError(`There is no object ${number}.`);
    if (typeof value === 'symbol') this.#codes.symbol(value);
    else if (Activation.is(value)) this.#codes.activation(value);
    else if (this.#to.hooks.kept?.has(value) === true) this.#to.refuse(KEPT);
    else if (typeof value === 'function') this.#codes.function(value);
    else this.#object(value, number);
  }

  #object(value: object, number: number): void {
    if (isPlainArray(value)) {
      if (this.#plain.arrayAsUsual(value)) return;
      if (Reflect.getPrototypeOf(value) === intrinsics.ArrayPrototype) {
        this.#plain.array(value);
        return;
      }
    }
    const path = this.#to.hooks.pathOf(value);
    if (path !== undefined) {
      this.#to.byPath(path);
      return;
    }
    if (this.#plain.likeAnother(value)) return;
    const brand = isPlainObject(value) ? 'object' : brandOf(value);
    if (brand === 'arguments' && intrinsics.isStrictArguments(value)) {
      this.#slots.arguments(value);
      return;
    }
    if (this.#byCodec(value, brand) || (brand === 'promise' && this.#settled(value))) return;
    const reason = refusalOf(brand, value) ?? this.#refusedInstance(value, brand);
    if (reason !== undefined) this.#to.refuse(reason);
    else if (brand === 'object') this.#plain.ordinary(value);
    else if (brand === 'array') this.#plain.array(value as unknown[]);
    else if (brand === 'view' || brand === 'dataView') this.#bytes.view(value as ArrayBufferView, brand);
    else if (brand === 'buffer' || brand === 'shared')
      this.#bytes.buffer(value as ArrayBuffer, number, brand === 'shared');
    else this.#slots.write(value, brand);
  }

  /** False for a Promise that is pending, or may not travel for other reasons. */
  #settled(value: object): boolean {
    if (this.#refusedInstance(value, 'promise') !== undefined) return false;
    const settled = this.#to.hooks.settledAs(value);
    if (settled === undefined) return false;
    if (settled.state === 'fulfilled' && intrinsics.leadsToThen(settled.value)) this.#to.refuse(OF_THENABLE);
    else this.#slots.promise(value, settled);
    return true;
  }

  /** True when the object travels by a codec, or is refused by it. */
  #byCodec(value: object, brand: Brand): boolean {
    if (brand === 'proxy') return false;
    const prototype = Reflect.getPrototypeOf(value);
    if (isPlainPrototype(prototype) || (brand !== 'object' && intrinsics.CARRIED_PROTOTYPES.has(prototype)))
      return false;
    const coded = this.#to.hooks.codedBy(value);
    if (coded === undefined) return false;
    // A codec is code of the user's: it may have changed what was looked at.
    this.#plain.forget();
    if ('reason' in coded) this.#to.refuse(coded.reason);
    else this.#slots.coded(value, coded);
    return true;
  }

  /** Objects of codecs are made late: what a codec needs must not hold its object, and nothing else can be made of one. */
  #refuseImpossible(graph: Graph): void {
    if (!this.#slots.hasCoded) return;
    const { base, changed } = graph;
    const { rootNames, hooks } = this.#options;
    const scan = scanGraph(graph);
    const recordOf = (number: number): number => number - base + changed.length;
    const refuse = (record: number, reason: RefusalReason): void => {
      this.#to.enter(record < changed.length ? (changed[record] ?? 0) : base + record - changed.length);
      this.#to.refuse(reason);
    };
    inCodedOrder({
      scan,
      base,
      recordOf,
      rootsOfCode: (code) => hooks.namesOf(code).map((name) => rootNames.indexOf(name)),
      fill: () => undefined,
      make: () => undefined,
      onCycle: (record) => {
        refuse(record, CYCLE);
      },
    });
    const coded = new Set(scan.coded);
    for (let record = changed.length; record < graph.columns.kinds.length; record++) {
      const isMade =
        coded.has(record) || !scan.headEdgesOf(record).some((edge) => edge >= base && coded.has(recordOf(edge)));
      if (!isMade) refuse(record, MADE_OF_CODED);
    }
  }

  /** Only what is no plain object is asked about: it costs more than writing a small object. */
  #refusedInstance(value: object, brand: Brand): RefusalReason | undefined {
    const prototype = Reflect.getPrototypeOf(value);
    if (isPlainPrototype(prototype) || OWN_SLOTS.has(brand)) return undefined;
    const reason = this.#to.hooks.refuse(value);
    if (reason !== undefined || brand === 'object') return reason;
    const [hidden] = this.#to.hooks.privatesOf(value);
    if (hidden === undefined || isBornAnew(value, brand)) return undefined;
    const names = Object.keys(hidden.values).join(', ') || 'private methods';
    return {
      what: `its class extends a builtin and hides state in ${names}`,
      advice: 'keep that state in public fields',
    };
  }
}

/** A bound function, an object with such a prototype. */
const MADE_OF_CODED: RefusalReason = {
  what: 'it is bound to, or inherits from, an object that travels by a codec',
  advice: 'use an arrow function, or keep that object in a property',
};

const CYCLE: RefusalReason = {
  what: 'what its codec makes of it leads back to the object itself',
  advice: 'leave that out in encode, and put it back in after the cell',
};

const KEPT: RefusalReason = { what: 'marked local', advice: 'remove `local` where it is made' };

const OF_THENABLE: RefusalReason = {
  what: 'a Promise of an object with a method `then`',
  advice: 'send the object itself',
};

/** Can an object of a class that extends this builtin be made of the class alone? Others need arguments from the start. */
function isBornAnew(value: object, brand: Brand): boolean {
  return BORN_EMPTY.has(brand) && !(brand === 'error' && ERROR_NAMES[errorIndex(value)] === 'AggregateError');
}

const BORN_EMPTY: ReadonlySet<Brand> = new Set(['array', 'map', 'set', 'date', 'error']);

/** Kinds whose state is read by their own means; Node's classes for them hide it in private fields. */
const OWN_SLOTS: ReadonlySet<Brand> = new Set(['url', 'searchParams']);
