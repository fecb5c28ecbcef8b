// Readers for what comes over a border: an unknown value in, a typed one out, or a ProtocolError that names the place.
// Small on purpose: the agent, the runner and every client load it at start.
import { ProtocolError } from './errors';

/** Takes an unknown value and where it stands (`record.spec.name`). */
export type Shape<T> = (value: unknown, path: string) => T;
export type Shaped<S> = S extends Shape<infer T> ? T : never;

type Fields = Readonly<Record<string, Shape<unknown>>>;
type ObjectOf<R extends Fields, O extends Fields> = { readonly [K in keyof R]: Shaped<R[K]> } & {
  readonly [K in keyof O]?: Shaped<O[K]>;
};

function refuse(path: string, wanted: string, value: unknown): never {
  throw new ProtocolError(`Cannot read ${path}: ${wanted} was expected, ${describe(value)} is there.`);
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40));
  return typeof value === 'number' ? String(value) : typeof value;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const text: Shape<string> = (value, path) => (typeof value === 'string' ? value : refuse(path, 'a text', value));
export const flag: Shape<boolean> = (value, path) =>
  typeof value === 'boolean' ? value : refuse(path, 'true or false', value);
export const number: Shape<number> = (value, path) =>
  typeof value === 'number' && Number.isFinite(value) ? value : refuse(path, 'a number', value);
/** A whole number ≥ 0 that a double holds exactly. */
export const count: Shape<number> = (value, path) =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    ? value
    : refuse(path, 'a whole number of 0 or more', value);
export const anything: Shape<unknown> = (value) => value;

export function literal<const T extends string | number | boolean>(wanted: T): Shape<T> {
  return (value, path) => (value === wanted ? wanted : refuse(path, JSON.stringify(wanted), value));
}

export function oneOf<const T extends string>(words: readonly T[]): Shape<T> {
  return (value, path) => words.find((word) => word === value) ?? refuse(path, `one of ${words.join(', ')}`, value);
}

export function listOf<T>(item: Shape<T>): Shape<readonly T[]> {
  return (value, path) =>
    Array.isArray(value)
      ? value.map((entry, index) => item(entry, `${path}[${index}]`))
      : refuse(path, 'a list', value);
}

export function mapOf<T>(item: Shape<T>): Shape<Readonly<Record<string, T>>> {
  return (value, path) =>
    isObject(value)
      ? Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, item(entry, `${path}.${key}`)]))
      : refuse(path, 'an object', value);
}

/** Required and optional fields. Fields that are not named are left out: a newer writer may know more. */
export function record<const R extends Fields>(required: R): Shape<{ readonly [K in keyof R]: Shaped<R[K]> }>;
export function record<const R extends Fields, const O extends Fields>(required: R, optional: O): Shape<ObjectOf<R, O>>;
export function record<const R extends Fields, const O extends Fields>(
  required: R,
  optional?: O,
): Shape<ObjectOf<R, O>> {
  return (value, path) => {
    if (!isObject(value)) return refuse(path, 'an object', value);
    const out: Record<string, unknown> = {};
    for (const [key, shape] of Object.entries(required)) out[key] = shape(value[key], `${path}.${key}`);
    for (const [key, shape] of Object.entries(optional ?? {})) {
      if (value[key] !== undefined) out[key] = shape(value[key], `${path}.${key}`);
    }
    // The loops above filled in exactly the fields of R and O; TypeScript cannot follow that.
    return out as ObjectOf<R, O>;
  };
}

/** A union told apart by the text in one field. */
export function tagged<const T extends Readonly<Record<string, Shape<unknown>>>>(
  tag: string,
  cases: T,
): Shape<Shaped<T[keyof T]>> {
  return (value, path) => {
    const word = isObject(value) ? value[tag] : undefined;
    const shape = typeof word === 'string' && Object.hasOwn(cases, word) ? cases[word] : undefined;
    if (shape === undefined) return refuse(`${path}.${tag}`, `one of ${Object.keys(cases).join(', ')}`, word);
    // `cases[word]` is one of T's members; its result is one of theirs.
    return shape(value, path) as Shaped<T[keyof T]>;
  };
}

/** Text of a JSON file or line, read by a shape. */
export function parseJson<T>(source: string, shape: Shape<T>, what: string): T {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (cause) {
    throw new ProtocolError(`Cannot read ${what}: it is not JSON.`, { cause });
  }
  return shape(value, what);
}
