// Notebook names as script-scope variables: one mangled `let` per name, declared once, reached from here through a pair of accessors compiled
// beside it. A process has one script scope, so the table belongs to the process, not to a Realm.
import { Script } from 'node:vm';
import { MAIN } from '../protocol/main-context';
import { mangle } from '../protocol/code';

export interface Binding {
  get(): unknown;
  set(value: unknown): void;
}

const IDENTIFIER = /^[$_\p{ID_Start}][$\p{ID_Continue}\u200c\u200d]*$/u;
const TABLE = Symbol.for('cellburst.bindings');

function table(): Map<string, Binding> {
  const known: unknown = Reflect.get(MAIN, TABLE);
  if (known !== undefined) return known as Map<string, Binding>;
  const fresh = new Map<string, Binding>();
  Object.defineProperty(MAIN, TABLE, { value: fresh });
  return fresh;
}

/** The binding of a notebook name; declared, with the value undefined, when it is not there yet. */
export function bindingOf(name: string): Binding {
  const bindings = table();
  const known = bindings.get(name);
  if (known !== undefined) return known;
  // The name becomes source text.
  if (!IDENTIFIER.test(name))
    throw new TypeError(`${JSON.stringify(name.slice(0, 80))} cannot be a name of the notebook.`);
  const variable = mangle(name);
  const script = new Script(`let ${variable}; ({ get: () => ${variable}, set: (value) => { ${variable} = value; } })`, {
    filename: 'cellburst:binding',
  });
  const binding = script.runInThisContext() as Binding;
  bindings.set(name, binding);
  return binding;
}
