// `table(records)`: records as a table, for people. In text the columns are padded; HTML has real cells.
import { inspect, types } from 'node:util';
import type { MimeBundle } from '../protocol/output';

export interface TableOptions {
  /** Which columns, in this order; all that occur, if not given. */
  readonly columns?: readonly string[];
  /** How many rows are shown; 50, if not given. */
  readonly rows?: number;
}

const SHOWN_ROWS = 50;
const MAX_COLUMNS = 50;
const MAX_CELL = 80;

interface Cell {
  readonly text: string;
  readonly isNumber: boolean;
}

/**
 * `records`: objects (or arrays) one per row, in anything that can be iterated; or one object of columns. Throws a TypeError for anything else.
 */
export function tableOf(records: unknown, options: TableOptions = {}): MimeBundle {
  const frame = asFrame(records);
  const { shown, count } = takeRows(rowsOf(records), options.rows ?? SHOWN_ROWS, frame?.numRows());
  const columns = options.columns ?? frame?.columnNames() ?? columnsOf(shown);
  const shownColumns = columns.slice(0, MAX_COLUMNS);
  const cells = shown.map((row) => shownColumns.map((column) => toCell(readField(row, column))));
  const notes = [
    ...(count > shown.length ? [`… ${count - shown.length} more rows`] : []),
    ...(columns.length > shownColumns.length ? [`… ${columns.length - shownColumns.length} more columns`] : []),
  ];
  return { 'text/plain': toText(shownColumns, cells, notes), 'text/html': toHtml(shownColumns, cells, notes) };
}

/** What tables of Arquero and its like tell of themselves. */
interface Frame extends Iterable<unknown> {
  numRows(): number;
  columnNames(): readonly string[];
}

/** A table that is no array, by its methods: rows can be iterated, columns have names. */
export function asFrame(value: unknown): Frame | undefined {
  if (typeof value !== 'object' || value === null || types.isProxy(value) || !(Symbol.iterator in value))
    return undefined;
  const isFrame = ['numRows', 'columnNames'].every((name) => typeof Reflect.get(value, name) === 'function');
  return isFrame ? (value as Frame) : undefined;
}

function rowsOf(records: unknown): Iterable<unknown> {
  if (typeof records === 'object' && records !== null) {
    if (Symbol.iterator in records) return records as Iterable<unknown>;
    const columns = Object.entries(records).filter((entry): entry is [string, ArrayLike<unknown>] =>
      isColumn(entry[1]),
    );
    if (columns.length > 0) return transpose(columns);
  }
  throw new TypeError(
    `table() takes records (an array of objects, or anything else that can be iterated) or an object of columns, not ${inspect(records, { depth: 0 })}.`,
  );
}

function isColumn(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}

function* transpose(columns: readonly [string, ArrayLike<unknown>][]): Generator<Record<string, unknown>> {
  const length = Math.max(...columns.map(([, values]) => values.length));
  for (let row = 0; row < length; row++)
    yield Object.fromEntries(columns.map(([name, values]): [string, unknown] => [name, values[row]]));
}

/** All rows are counted, unless their number is known; only some are kept. */
function takeRows(rows: Iterable<unknown>, most: number, known?: number): { shown: unknown[]; count: number } {
  const shown: unknown[] = [];
  let count = 0;
  for (const row of rows) {
    if (count++ < most) shown.push(row);
    else if (known !== undefined) break;
  }
  return { shown, count: known ?? count };
}

/** In the order in which they first occur. */
function columnsOf(rows: readonly unknown[]): string[] {
  const names = new Set<string>();
  for (const row of rows)
    for (const name of typeof row === 'object' && row !== null ? Object.keys(row) : ['value']) names.add(name);
  return [...names];
}

function readField(row: unknown, column: string): unknown {
  if (typeof row !== 'object' || row === null) return column === 'value' ? row : undefined;
  return Reflect.get(row, column);
}

function toCell(value: unknown): Cell {
  const isNumber = typeof value === 'number' || typeof value === 'bigint';
  return { text: cut(textOf(value)), isNumber };
}

function textOf(value: unknown): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString().replace('T00:00:00.000Z', '');
  return inspect(value, { depth: 1, breakLength: Infinity, compact: true, maxArrayLength: 5 });
}

function cut(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > MAX_CELL ? `${line.slice(0, MAX_CELL - 1)}…` : line;
}

function toText(columns: readonly string[], rows: readonly (readonly Cell[])[], notes: readonly string[]): string {
  const widths = columns.map((name, at) => Math.max(name.length, ...rows.map((row) => row[at]?.text.length ?? 0)));
  const isNumeric = numericColumns(columns, rows);
  const line = (texts: readonly string[]) =>
    texts
      .map((text, at) => (isNumeric[at] ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(columns), ...rows.map((row) => line(row.map(({ text }) => text))), ...notes].join('\n');
}

function toHtml(columns: readonly string[], rows: readonly (readonly Cell[])[], notes: readonly string[]): string {
  const isNumeric = numericColumns(columns, rows);
  const cell = (tag: 'th' | 'td', text: string, at: number) =>
    `<${tag} style="text-align:${isNumeric[at] ? 'right' : 'left'}">${escapeHtml(text)}</${tag}>`;
  const head = columns.map((name, at) => cell('th', name, at)).join('');
  const body = rows.map((row) => `<tr>${row.map(({ text }, at) => cell('td', text, at)).join('')}</tr>`).join('');
  return `<table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>${notes.map((note) => `<div>${note}</div>`).join('')}`;
}

/** Numbers are read from the right. */
function numericColumns(columns: readonly string[], rows: readonly (readonly Cell[])[]): boolean[] {
  return columns.map((_, at) => {
    const filled = rows.flatMap((row) => (row[at] === undefined || row[at].text === '' ? [] : [row[at]]));
    return filled.length > 0 && filled.every(({ isNumber }) => isNumber);
  });
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
