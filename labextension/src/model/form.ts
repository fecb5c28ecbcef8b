// A form for one cluster, made of the JSON Schema that the config file is checked by: which fields there are, what stands in them, and what they mean as an
// entry of the file. Whether that is right, the kernel says. Pure.
import type { ClusterEntryValues, EntryValue } from '../../../magics/protocol/monitor';

export interface Field {
  /** `['defaults', 'memory']` */
  readonly path: readonly string[];
  readonly kind: 'text' | 'number' | 'choice' | 'lines';
  readonly help: string;
  /** Of a choice; the empty text is always one. */
  readonly choices: readonly string[];
}

/** By `keyOf` of a field's path. An empty text: the entry says nothing of it. */
export type FormValues = Readonly<Record<string, string>>;

export function keyOf(path: readonly string[]): string {
  return path.join('.');
}

/** What most clusters say something of; the rest is behind "more". */
const FIRST: ReadonlySet<string> = new Set([
  'scheduler',
  'host',
  'queue',
  'account',
  'setup',
  'prologue',
  'defaults.cores',
  'defaults.memory',
  'defaults.time',
]);
/** Another word for `queue`: shown where it is written. */
const ALIAS = 'partition';

export function isFirst(field: Field): boolean {
  return FIRST.has(keyOf(field.path));
}

/** The fields of a schema, those of objects in it among them. */
export function fieldsOf(schema: unknown, values: ClusterEntryValues, path: readonly string[] = []): Field[] {
  return Object.entries(propertiesOf(schema)).flatMap(([name, type]): Field[] => {
    const at = [...path, name];
    if (name === ALIAS && !Object.hasOwn(values, ALIAS)) return [];
    if (Object.keys(propertiesOf(type)).length > 0) return fieldsOf(type, values, at);
    const choices = textsIn(read(type, 'enum'));
    const description = read(type, 'description');
    const help = typeof description === 'string' ? description : '';
    return [{ path: at, kind: kindOf(type, choices), help, choices }];
  });
}

function kindOf(type: unknown, choices: readonly string[]): Field['kind'] {
  if (choices.length > 0) return 'choice';
  const forms = [type, ...listIn(read(type, 'anyOf'))].map((form) => read(form, 'type'));
  if (forms.includes('array')) return 'lines';
  return forms.includes('integer') && !forms.includes('string') ? 'number' : 'text';
}

export function toForm(fields: readonly Field[], entry: ClusterEntryValues): FormValues {
  return Object.fromEntries(fields.map(({ path }) => [keyOf(path), shown(valueAt(entry, path))]));
}

/** What was not touched stays as it is written in the file: `4 GB`, one line or a list. */
export function toEntry(fields: readonly Field[], form: FormValues, before: ClusterEntryValues): ClusterEntryValues {
  const entry: Record<string, EntryValue> = {};
  for (const field of fields) {
    const text = form[keyOf(field.path)] ?? '';
    const old = valueAt(before, field.path);
    const value = text === shown(old) ? old : parsed(field, text);
    if (value !== undefined) put(entry, field.path, value);
  }
  return entry;
}

function parsed({ kind }: Field, text: string): EntryValue | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  if (kind === 'lines') return text.split('\n').filter((line) => line.trim() !== '');
  // What is no number goes as it was typed: the kernel says what is wrong with it.
  return kind === 'number' && Number.isFinite(Number(trimmed)) ? Number(trimmed) : trimmed;
}

function shown(value: EntryValue | undefined): string {
  if (value === undefined || isObject(value)) return '';
  return typeof value === 'object' ? value.map(shown).join('\n') : String(value);
}

function put(entry: Record<string, EntryValue>, path: readonly string[], value: EntryValue): void {
  const [first, ...rest] = path;
  if (first === undefined) return;
  if (rest.length === 0) {
    entry[first] = value;
    return;
  }
  const inner: Record<string, EntryValue> = { ...objectIn(entry[first]) };
  put(inner, rest, value);
  entry[first] = inner;
}

function valueAt(entry: ClusterEntryValues, path: readonly string[]): EntryValue | undefined {
  const [first, ...rest] = path;
  if (first === undefined || !Object.hasOwn(entry, first)) return undefined;
  const value = entry[first];
  return rest.length === 0 ? value : valueAt(objectIn(value), rest);
}

function objectIn(value: EntryValue | undefined): ClusterEntryValues {
  return isObject(value) ? value : {};
}

function propertiesOf(schema: unknown): Readonly<Record<string, unknown>> {
  const properties = read(schema, 'properties');
  return isObject(properties) ? properties : {};
}

function read(value: unknown, key: string): unknown {
  return isObject(value) ? value[key] : undefined;
}

function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textsIn(value: unknown): readonly string[] {
  return listIn(value).filter((item) => typeof item === 'string');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
