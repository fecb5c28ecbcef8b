// Records of builtin objects whose state is in slots: Map, Set, Date, RegExp, errors, URLs, boxes.
import type { Brand } from './brands';
import { ERROR_NAMES, INTEGRITY, KIND, PROMISE } from './graph-format';
import type { Coded, Settled } from './graph-hooks';
import type { GraphWriter } from './graph-writer';
import { integrityOf } from './integrity';
import * as intrinsics from './intrinsics';
import { MAIN } from './main-context';

export class SlotRecords {
  readonly #to: GraphWriter;

  /** Does any object travel by a codec? */
  hasCoded = false;

  constructor(writer: GraphWriter) {
    this.#to = writer;
  }

  coded(value: object, { codec, payload, ownKeys }: Coded): void {
    this.hasCoded = true;
    const integrity = integrityOf(value);
    const keys = ownKeys === undefined ? [] : Reflect.ownKeys(value).filter((key) => !ownKeys.has(key));
    const hasExtras = keys.length > 0 || integrity !== INTEGRITY.none;
    this.#to.begin(KIND.coded, value, NO_PROTOTYPE, hasExtras);
    this.#to.headInts.push(this.#to.number(codec));
    this.#to.headValue(payload);
    if (hasExtras) this.#to.extras(value, keys, integrity);
  }

  write(value: object, brand: Brand): void {
    const integrity = integrityOf(value);
    const keys = Reflect.ownKeys(value).filter(
      (key) => !isSlotKey(brand, key) && !this.#isDecoration(value, key, brand),
    );
    const privates = this.#to.privatesOf(value);
    const hasExtras = keys.length > 0 || integrity !== INTEGRITY.none || privates.length > 0;
    switch (brand) {
      case 'map':
        this.#to.begin(KIND.map, value, MAIN.Map.prototype, hasExtras);
        this.#to.bear(privates);
        this.#pairs(value);
        break;
      case 'set':
        this.#to.begin(KIND.set, value, MAIN.Set.prototype, hasExtras);
        this.#to.bear(privates);
        this.#members(value);
        break;
      case 'date':
        this.#to.begin(KIND.date, value, MAIN.Date.prototype, hasExtras);
        this.#to.bear(privates);
        this.#to.doubles.push(intrinsics.dateTime(value));
        break;
      case 'regexp':
        this.#to.begin(KIND.regexp, value, MAIN.RegExp.prototype, hasExtras);
        this.#to.headInts.push(this.#to.strings.id(intrinsics.regexpSource(value)));
        this.#to.headInts.push(this.#to.strings.id(intrinsics.regexpFlags(value)));
        this.#to.value(Reflect.getOwnPropertyDescriptor(value, 'lastIndex')?.value);
        break;
      case 'error':
        this.#error(value, hasExtras);
        this.#to.bear(privates);
        break;
      case 'url':
        this.#to.begin(KIND.url, value, MAIN.URL.prototype, hasExtras);
        this.#to.headInts.push(this.#to.strings.id(intrinsics.hrefOf(value)));
        this.#to.headInts.push(this.#to.number(intrinsics.searchParamsOf(value)));
        break;
      case 'searchParams':
        this.#to.begin(KIND.searchParams, value, MAIN.URLSearchParams.prototype, hasExtras);
        this.#to.headInts.push(this.#to.strings.id(intrinsics.searchText(value)));
        break;
      default:
        this.#to.begin(KIND.boxed, value, boxPrototype(brand), hasExtras);
        this.#to.headValue(intrinsics.unboxed(value, brand));
    }
    if (hasExtras) this.#to.extras(value, keys, integrity, false, privates);
  }

  /** A Promise that is settled with a value is that value's for ever. */
  promise(value: object, settled: Settled): void {
    const keys = Reflect.ownKeys(value).filter((key) => !intrinsics.isBookkeeping(key));
    const integrity = integrityOf(value);
    const hasExtras = keys.length > 0 || integrity !== INTEGRITY.none;
    this.#to.begin(KIND.promise, value, MAIN.Promise.prototype, hasExtras);
    this.#to.headInts.push(PROMISE[settled.state]);
    this.#to.value(settled.value);
    if (hasExtras) this.#to.extras(value, keys, integrity);
  }

  /** In strict code they are an object like any other, and share nothing with the parameters. */
  arguments(value: object): void {
    const keys = Reflect.ownKeys(value).filter((key) => key !== 'callee');
    this.#to.begin(KIND.arguments, value, MAIN.Object.prototype, true);
    this.#to.extras(value, keys, integrityOf(value));
  }

  /** Hidden methods that Node hangs on each of its errors; they say nothing and cannot travel. */
  #isDecoration(value: object, key: string | symbol, brand: Brand): boolean {
    if (brand !== 'error') return false;
    const descriptor = Reflect.getOwnPropertyDescriptor(value, key);
    if (descriptor === undefined || descriptor.enumerable === true || key === 'stack') return false;
    const code: unknown = descriptor.get ?? descriptor.value;
    return (
      typeof code === 'function' &&
      this.#to.hooks.pathOf(code) === undefined &&
      this.#to.hooks.describe(code).kind === 'refused'
    );
  }

  #pairs(value: object): void {
    const count = this.#to.ints.reserve();
    let size = 0;
    intrinsics.mapEach(value, (item, key) => {
      this.#to.value(key);
      this.#to.value(item);
      size += 1;
    });
    this.#to.ints.set(count, size);
  }

  #members(value: object): void {
    const count = this.#to.ints.reserve();
    let size = 0;
    intrinsics.setEach(value, (item) => {
      this.#to.value(item);
      size += 1;
    });
    this.#to.ints.set(count, size);
  }

  #error(value: object, hasExtras: boolean): void {
    const index = errorIndex(value);
    const name = ERROR_NAMES[index] ?? 'Error';
    // Node 20 puts a class of its own between an error and its builtin class: it only prints the code beside the name.
    const prototype = intrinsics.isNodeErrorPrototype(Reflect.getPrototypeOf(value))
      ? Reflect.getPrototypeOf(value)
      : MAIN[name].prototype;
    this.#to.begin(KIND.error, value, prototype, hasExtras);
    this.#to.headInts.push(index);
  }
}

/** No object has it: the prototype is told. */
const NO_PROTOTYPE = Object.freeze({});

export function errorIndex(value: object): number {
  for (let p = Reflect.getPrototypeOf(value); p !== null; p = Reflect.getPrototypeOf(p)) {
    const index = ERROR_NAMES.findIndex((name) => MAIN[name].prototype === p);
    if (index >= 0) return index;
  }
  return 0;
}

function boxPrototype(name: string): object {
  return (Reflect.get(MAIN, name) as { prototype: object }).prototype;
}

/** Own keys that the slots of a kind bring along. */
function isSlotKey(brand: Brand, key: string | symbol): boolean {
  if (brand === 'regexp') return key === 'lastIndex';
  return brand === 'String' && typeof key === 'string' && (key === 'length' || Number(key) >= 0);
}
