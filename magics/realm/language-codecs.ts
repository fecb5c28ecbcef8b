// Objects that know how people write: Intl's, which tell what they were made with, and decoders of text, which do as long as they are between two texts.
// What is made again has to say the same of itself, or it is not the same: another Node may know other languages.
import type { TextDecoder as UtilTextDecoder } from 'node:util';
import { MAIN } from '../protocol/main-context';
import { NOT_CODED, Refused, field, plain, text, type CodecEntry } from './codec-entries';

/** `Intl.NumberFormat` and its like: made of a locale and options, which `resolvedOptions` gives back. */
const FORMATS = [
  'NumberFormat',
  'DateTimeFormat',
  'Collator',
  'PluralRules',
  'RelativeTimeFormat',
  'ListFormat',
  'Segmenter',
  'DisplayNames',
  'DurationFormat',
] as const;

interface Format {
  resolvedOptions(): object;
  format?(value: unknown): string;
}
type FormatClass = (new (locale: string, options: object) => Format) & { readonly prototype: Format };

const Locale = MAIN.Intl.Locale as unknown as (new (tag: string) => object) & { readonly prototype: object };

function classOf(name: string): FormatClass | undefined {
  const found: unknown = Reflect.get(MAIN.Intl, name);
  return typeof found === 'function' ? (found as FormatClass) : undefined;
}

/** What an object was made with; undefined for one that only looks like the class. */
function toldBy(name: string, value: object): object | undefined {
  try {
    return classOf(name)?.prototype.resolvedOptions.call(value as Format);
  } catch {
    // The method refuses what has not the slots; that is the answer.
    return undefined;
  }
}

/** `hour12` is told beside `hourCycle`, and would choose another cycle if it were given as well. */
function makeFormat(name: string, told: object): Format | undefined {
  const Class = classOf(name);
  if (Class === undefined) return undefined;
  const options = { ...told };
  Reflect.deleteProperty(options, 'hour12');
  const made = new Class(text(told, 'locale'), options);
  return saysAll(made.resolvedOptions(), told) ? made : undefined;
}

/** Another Node may tell in another order, and more. */
function saysAll(now: object, told: object): boolean {
  return Object.entries(told).every(([key, value]) => JSON.stringify(Reflect.get(now, key)) === JSON.stringify(value));
}

/** Do they write some values alike? Not all that one was made with is told. */
function writeAlike(name: string, a: Format, b: Format): boolean {
  const samples = name === 'NumberFormat' ? NUMBERS : name === 'DateTimeFormat' ? TIMES : [];
  return samples.every((sample) => a.format?.(sample) === b.format?.(sample));
}

const NUMBERS = [0, -1.5, 1234567.891, 0.000012345, 99.995];
const TIMES = [0, 1_700_000_000_123, 951_827_696_000];

function formatEntry(name: string): CodecEntry {
  return {
    sample: () => classOf(name)?.prototype,
    encode: (value) => {
      const told = toldBy(name, value);
      if (told === undefined) return NOT_CODED;
      const again = makeFormat(name, told);
      if (again !== undefined && writeAlike(name, value as Format, again)) return plain(told);
      return new Refused(`Intl.${name} with options that it does not tell`, 'create it inside the cell');
    },
    decode: (payload) => {
      const told = plain(payload as object);
      const made = makeFormat(name, told);
      if (made !== undefined) return made;
      throw new Error(
        `an Intl.${name} for ${text(payload, 'locale')} that Node.js ${process.version} cannot make as it was`,
      );
    },
    update: () => true,
  };
}

const locale: CodecEntry = {
  sample: () => Locale.prototype,
  encode: (value) => {
    try {
      return Locale.prototype.toString.call(value);
    } catch {
      // The method refuses what has not the slots; that is the answer.
      return NOT_CODED;
    }
  },
  decode: (payload) => {
    if (typeof payload !== 'string') throw new TypeError('An Intl.Locale has no tag.');
    return new Locale(payload);
  },
  update: () => true,
};

/** Node keeps what is left of a text in a converter, which it makes for the first text that comes in pieces; since 24 in a piece of its own. */
function isBetweenTexts(decoder: object): boolean {
  const state = (name: string): PropertyDescriptor | undefined => {
    const key = Object.getOwnPropertySymbols(decoder).find((symbol) => symbol.description === name);
    return key === undefined ? undefined : Reflect.getOwnPropertyDescriptor(decoder, key);
  };
  const [handle, chunk] = [state('handle'), state('chunk')];
  const left: unknown = chunk?.value;
  return handle !== undefined && handle.value === undefined && !(ArrayBuffer.isView(left) && left.byteLength > 0);
}

const textDecoder: CodecEntry = {
  sample: () => new MAIN.TextDecoder(),
  variants: () => ['latin1', 'utf-16le'].map((encoding) => new MAIN.TextDecoder(encoding)),
  encode: (value) => {
    if (!isBetweenTexts(value))
      return new Refused('a TextDecoder that may be in the middle of a text', 'create it inside the cell');
    const { encoding, fatal, ignoreBOM } = value as UtilTextDecoder;
    return plain({ encoding, fatal, ignoreBOM });
  },
  decode: (payload) =>
    new MAIN.TextDecoder(text(payload, 'encoding'), {
      fatal: field(payload, 'fatal') === true,
      ignoreBOM: field(payload, 'ignoreBOM') === true,
    }),
  update: () => true,
};

export const LANGUAGE_CODECS: Readonly<Record<string, CodecEntry>> = {
  ...Object.fromEntries(FORMATS.map((name) => [name, formatEntry(name)])),
  Locale: locale,
  TextDecoder: textDecoder,
};
