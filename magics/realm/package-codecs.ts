// Codecs of classes of well-known packages, by the packages' public means. Only where the object comes out equal; whatever is special about one is refused.
// Each is tested against the real package.
import { types } from 'node:util';
import type { RefusalReason } from '../protocol/graph';

/** Exports of the package, as either side has loaded it. */
type Exports = Readonly<Record<string, unknown>>;

export interface PackageCodec {
  /** Gives a REFUSED reason for what it cannot tell. May throw. */
  encode(value: object, exports: Exports): unknown;
  decode(payload: unknown, exports: Exports): unknown;
}

/** Instead of a payload. */
export class Special {
  readonly reason: RefusalReason;
  constructor(what: string, name: string) {
    this.reason = { what, advice: `teach how it travels: registerCodec(${name}, { encode, decode })` };
  }
}

/** What this file uses of luxon 3: https://moment.github.io/luxon/api-docs/ */
interface Zone {
  readonly type: string;
  readonly name: string;
  offset(milliseconds: number): number;
}
interface DateTime {
  readonly isValid: boolean;
  readonly invalidReason: string | null;
  readonly invalidExplanation: string | null;
  readonly zone: Zone;
  readonly locale: string;
  readonly numberingSystem: string | null;
  readonly outputCalendar: string | null;
  toMillis(): number;
  equals(other: DateTime): boolean;
}
interface Duration {
  readonly isValid: boolean;
  readonly invalidReason: string | null;
  readonly invalidExplanation: string | null;
  readonly locale: string;
  readonly numberingSystem: string | null;
  readonly conversionAccuracy: string;
  toObject(): object;
  equals(other: Duration): boolean;
}
interface Interval {
  readonly isValid: boolean;
  readonly invalidReason: string | null;
  readonly invalidExplanation: string | null;
  readonly start: DateTime;
  readonly end: DateTime;
}
interface Luxon {
  readonly DateTime: {
    fromMillis(milliseconds: number, options: object): DateTime;
    invalid(reason: string, explanation?: string): DateTime;
    readonly prototype: object;
  };
  readonly Duration: {
    fromObject(units: object, options: object): Duration;
    invalid(reason: string, explanation?: string): Duration;
  };
  readonly Interval: {
    fromDateTimes(start: DateTime, end: DateTime): Interval;
    invalid(reason: string, explanation?: string): Interval;
  };
  readonly FixedOffsetZone: { instance(minutes: number): Zone };
}

interface Invalid {
  readonly invalid: string | null;
  readonly explanation: string | null;
}

function invalidity({ invalidReason, invalidExplanation }: DateTime | Duration | Interval): Invalid {
  return { invalid: invalidReason, explanation: invalidExplanation };
}

function isInvalid(payload: object): payload is Invalid {
  return 'invalid' in payload;
}

const dateTime: PackageCodec = {
  encode(value, exports) {
    const time = value as DateTime;
    if (!time.isValid) return invalidity(time);
    const zone = zoneWord(time.zone);
    if (zone === undefined) return new Special('a DateTime in a zone of its own kind', 'DateTime');
    const { locale, numberingSystem, outputCalendar } = time;
    const payload = { milliseconds: time.toMillis(), zone, locale, numberingSystem, outputCalendar };
    // Settings of the week, say: no getter tells them.
    if (!time.equals(makeDateTime(payload, exports)))
      return new Special('a DateTime with a locale of its own', 'DateTime');
    return payload;
  },
  decode: makeDateTime,
};

/** The properties of what a reply brought, as data: an object of the notebook may stand there, whose getters and methods must not run. */
function simpleFields(payload: unknown, nested?: string): Record<string, unknown> {
  if (typeof payload !== 'object' || payload === null) throw new TypeError('A time has no fields.');
  const entries = Reflect.ownKeys(payload).map((key) => {
    const descriptor = Reflect.getOwnPropertyDescriptor(payload, key);
    if (typeof key !== 'string' || descriptor === undefined || !('value' in descriptor))
      throw new TypeError('A time has fields that are no data.');
    const value: unknown = descriptor.value;
    if (key === nested) return [key, simpleFields(value)];
    if ((typeof value === 'object' && value !== null) || typeof value === 'function')
      throw new TypeError(`The ${key} of a time is an object.`);
    return [key, value];
  });
  return Object.fromEntries(entries) as Record<string, unknown>;
}

/** What a DateTime can be made in again. */
function zoneWord(zone: Zone): string | number | undefined {
  if (zone.type === 'system') return 'system';
  if (zone.type === 'iana') return zone.name;
  return zone.type === 'fixed' ? zone.offset(0) : undefined;
}

function makeDateTime(payload: unknown, exports: Exports): DateTime {
  const luxon = exports as unknown as Luxon;
  const fields: unknown = simpleFields(payload);
  const { milliseconds, zone, ...rest } = fields as { readonly milliseconds: number; readonly zone: string | number };
  if (isInvalid(rest)) return luxon.DateTime.invalid(rest.invalid ?? 'invalid', rest.explanation ?? undefined);
  const where = typeof zone === 'number' ? luxon.FixedOffsetZone.instance(zone) : zone;
  return luxon.DateTime.fromMillis(milliseconds, { zone: where, ...rest });
}

const duration: PackageCodec = {
  encode(value, exports) {
    const time = value as Duration;
    if (!time.isValid) return invalidity(time);
    const { locale, numberingSystem, conversionAccuracy } = time;
    const payload = { units: time.toObject(), locale, numberingSystem, conversionAccuracy };
    const again = makeDuration(payload, exports);
    if (!time.equals(again) || Reflect.get(time, 'matrix') !== Reflect.get(again, 'matrix'))
      return new Special('a Duration with units or a locale of its own', 'Duration');
    return payload;
  },
  decode: makeDuration,
};

function makeDuration(payload: unknown, exports: Exports): Duration {
  const luxon = exports as unknown as Luxon;
  const fields: unknown = simpleFields(payload, 'units');
  const { units, ...options } = fields as { readonly units: object };
  if (isInvalid(options)) return luxon.Duration.invalid(options.invalid ?? 'invalid', options.explanation ?? undefined);
  return luxon.Duration.fromObject(units, options);
}

const interval: PackageCodec = {
  encode(value) {
    const span = value as Interval;
    return span.isValid ? { start: span.start, end: span.end } : invalidity(span);
  },
  decode(payload, exports) {
    const luxon = exports as unknown as Luxon;
    const [start, end] = ['start', 'end'].map((key) => ownTime(payload, key, luxon));
    if (start !== undefined && end !== undefined) return luxon.Interval.fromDateTimes(start, end);
    const span = simpleFields(payload);
    if (!isInvalid(span)) throw new TypeError('An Interval has no ends.');
    return luxon.Interval.invalid(span.invalid ?? 'invalid', span.explanation ?? undefined);
  },
};

function ownTime(payload: unknown, key: string, luxon: Luxon): DateTime | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined;
  const value: unknown = Reflect.getOwnPropertyDescriptor(payload, key)?.value;
  const isTime =
    typeof value === 'object' && value !== null && Reflect.getPrototypeOf(value) === luxon.DateTime.prototype;
  return isTime ? (value as DateTime) : undefined;
}

/** What this file uses of apache-arrow: tables go as Arrow's own stream of batches. */
interface ArrowTable {
  readonly numRows: number;
  readonly schema: { toString(): string };
}
interface Arrow {
  tableToIPC(table: ArrowTable, type: 'stream'): Uint8Array;
  tableFromIPC(bytes: Uint8Array): ArrowTable;
}

const table: PackageCodec = {
  encode(value, exports) {
    const arrow = exports as unknown as Arrow;
    const original = value as ArrowTable;
    const bytes = arrow.tableToIPC(original, 'stream');
    const again = arrow.tableFromIPC(bytes);
    if (again.numRows !== original.numRows || String(again.schema) !== String(original.schema))
      return new Special('a Table that Arrow itself does not write as it is', 'Table');
    return bytes;
  },
  decode(payload, exports) {
    if (!types.isUint8Array(payload)) throw new TypeError('A Table has no bytes.');
    return (exports as unknown as Arrow).tableFromIPC(payload);
  },
};

/** By package and the name of the class among its exports. */
export const PACKAGE_CODECS: Readonly<Record<string, Readonly<Record<string, PackageCodec>>>> = {
  luxon: { DateTime: dateTime, Duration: duration, Interval: interval },
  'apache-arrow': { Table: table },
};

/** What stands for each in a graph: the same thing in every process (see references.ts). */
export const PACKAGE_REGISTRATIONS = Object.entries(PACKAGE_CODECS).flatMap(([name, types]) =>
  Object.entries(types).map(([type, codec]) => ({ package: name, type, codec })),
);
