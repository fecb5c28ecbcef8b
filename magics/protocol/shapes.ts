// Lists of keys shared by objects: a million records of one form name their keys once.
import { IntColumn } from './columns';
import type { StringWriter } from './strings';

const SLOTS = 256;

export class ShapeTable {
  readonly #strings: StringWriter;
  readonly #column = new IntColumn();
  readonly #byText = new Map<string, number>();
  readonly #recent = new Array<{ readonly keys: readonly string[]; readonly id: number } | undefined>(SLOTS);
  #count = 0;

  constructor(strings: StringWriter) {
    this.#strings = strings;
  }

  id(keys: readonly string[]): number {
    const slot = slotOf(keys);
    const recent = this.#recent[slot];
    if (recent !== undefined && isSame(recent.keys, keys)) return recent.id;
    // The lengths keep ["a,b"] and ["a", "b"] apart.
    const text = keys.map((key) => `${key.length}:${key}`).join('');
    let id = this.#byText.get(text);
    if (id === undefined) {
      id = this.#count++;
      this.#byText.set(text, id);
      this.#column.push(keys.length);
      for (const key of keys) this.#column.push(this.#strings.id(key));
    }
    this.#recent[slot] = { keys, id };
    return id;
  }

  done(): Int32Array {
    return this.#column.done();
  }
}

function slotOf(keys: readonly string[]): number {
  const first = keys[0] ?? '';
  const last = keys[keys.length - 1] ?? '';
  return (
    (keys.length * 31 + first.length * 7 + first.charCodeAt(0) * 3 + last.length * 5 + last.charCodeAt(0)) & (SLOTS - 1)
  );
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
