// A seed → a random notebook that is valid: things are declared before they are used, and whatever may throw does so in both runs.
import { Random } from './random';
import { THINGS, type Kind, type Thing } from './things';

export type Place = 'here' | 'cluster' | 'detached';

export interface FuzzCell {
  /** Cells of one group share no name with those of the other: they may run while a job of the other one is out. */
  readonly group: number;
  readonly place: Place;
  readonly statements: readonly string[];
}

export interface FuzzNotebook {
  readonly seed: number;
  readonly cells: readonly FuzzCell[];
}

interface Declared {
  readonly name: string;
  readonly kind: Kind;
  readonly uses: readonly string[];
  readonly cell: number;
}

const GROUPS = 2;
const PLACEHOLDER = /@([nvpikrcb])(?=\W|[A-Z]|$)/g;
const PRIMITIVES = [
  '0',
  '-0',
  '1',
  '-7',
  '2.5',
  'NaN',
  'Infinity',
  '4294967296',
  '123n',
  '-(2n ** 80n)',
  '"text"',
  '""',
  '"\\ud800"',
  '"naïve 日本"',
  'true',
  'false',
  'null',
  'undefined',
  'Symbol.for("shared")',
  'Symbol.iterator',
];
const KEYS = ['a', 'b', 'key', 'x', 'value', 'count', 'then', 'constructorName', 'ключ'];

class Writer {
  readonly #random: Random;
  readonly #group: number;
  readonly declared: Declared[] = [];
  #count = 0;
  #cell = 0;

  constructor(random: Random, group: number) {
    this.#random = random;
    this.#group = group;
  }

  get log(): string {
    return `log${this.#group}`;
  }

  beginCell(): void {
    this.#cell += 1;
  }

  statement(): string {
    const random = this.#random;
    if (this.declared.length < 2 || random.chance(0.3)) return this.#declaration();
    if (random.chance(0.06)) return `let ${this.#name('alias')} = ${this.#reference()};`;
    return this.#wrapped(this.use());
  }

  /** An expression that uses something. */
  use(): string {
    const thing = this.#random.pick(this.declared);
    return this.#expand(this.#random.pick(thing.uses), thing.name);
  }

  /** A last look at everything: each thing is used in some ways, each on its own. */
  probes(): string[] {
    return this.declared.flatMap(({ name, uses }) =>
      Array.from({ length: 3 }, () => this.#guarded(this.#expand(this.#random.pick(uses), name), '"threw"')),
    );
  }

  #declaration(): string {
    const random = this.#random;
    const thing = random.pick(THINGS);
    // Now and then a name is declared anew, and what the old one was lives on in what refers to it.
    const earlier = this.declared.filter(({ cell }) => cell !== this.#cell);
    const again = earlier.length > 0 && random.chance(0.12) ? random.pick(earlier).name : undefined;
    const name = again ?? this.#name(nameStem(thing));
    const text = this.#expand(thing.declare, name);
    if (again !== undefined) {
      const index = this.declared.findIndex((other) => other.name === again);
      this.declared.splice(index, 1);
    }
    this.declared.push({ name, kind: thing.kind, uses: thing.uses, cell: this.#cell });
    return `${text};`;
  }

  #name(stem: string): string {
    return `${stem}${this.#group === 0 ? 'A' : 'B'}${++this.#count}`;
  }

  #wrapped(use: string): string {
    const random = this.#random;
    const logged = `${this.log}.push(${use});`;
    const isAsync = /\bawait\b/.test(use);
    switch (random.below(12)) {
      case 0:
        return logged;
      case 1:
        return `if (${this.#expand('@r', '')}) { ${this.#guarded(use)} } else { ${this.log}.push("else"); }`;
      case 2:
        return isAsync ? this.#guarded(use) : `for (const turn of [1, 2]) { ${this.#guarded(use)} }`;
      case 3:
        return isAsync
          ? `await (async () => { ${this.#guarded(use)} })();`
          : `(() => { const kept = ${this.#expand('@v', '')}; ${this.#guarded(use)} ${this.log}.push(() => kept); })();`;
      case 4:
        return `try { ${logged} } catch (error) { ${this.log}.push(error); } finally { ${this.log}.push("finally"); }`;
      default:
        return this.#guarded(use);
    }
  }

  #guarded(use: string, caught = 'error.name + ": " + error.message'): string {
    return `try { ${this.log}.push(${use}); } catch (error: any) { ${this.log}.push(${caught}); }`;
  }

  #expand(text: string, name: string, depth = 0): string {
    const random = this.#random;
    return text.replaceAll(PLACEHOLDER, (_, placeholder: string) => {
      switch (placeholder) {
        case 'n':
          return name;
        case 'v':
          return this.#value(depth);
        case 'p':
          return random.pick(PRIMITIVES);
        case 'i':
          return String(random.below(9));
        case 'k':
          return random.pick(KEYS);
        case 'b':
          return random.chance(0.5) ? 'true' : 'false';
        case 'c':
          return this.#class();
        default:
          return this.#reference();
      }
    });
  }

  #class(): string {
    const known = this.declared.filter(({ kind }) => kind === 'class');
    return known.length === 0 ? 'Object' : this.#random.pick(known).name;
  }

  #reference(): string {
    return this.declared.length === 0 ? '{}' : this.#random.pick(this.declared).name;
  }

  #value(depth: number): string {
    const random = this.#random;
    if (depth > 2 || random.chance(0.35)) return random.pick(PRIMITIVES);
    if (random.chance(0.35)) return this.#reference();
    return this.#expand(random.pick(VALUES), '', depth + 1);
  }
}

const VALUES = [
  '[@v, @v]',
  '{ @k: @v, @k: @v }',
  'new Map([[@v, @v]])',
  'new Set([@v, @p])',
  'new Date(@i)',
  '/x@i/u',
  '(x) => [x, @v]',
  'function () { return this }',
  'new Error("made", { cause: @v })',
  'Object.create(null)',
  'new Uint8Array([@i, 2])',
  'Object(1n)',
  'Symbol("own")',
  '[, @v]',
  'class { v = @v }',
  'Object.freeze([@v])',
  '{ __proto__: null, @k: @v }',
  '(() => { let n = @i; return () => n++ })()',
  '{ get @k() { return @v } }',
  'new (class Local { #p = @v; get p() { return this.#p } })()',
].map((text) => (text.startsWith('{') ? `(${text})` : text));

function nameStem({ kind }: Thing): string {
  return kind === 'class' ? 'K' : kind === 'function' ? 'f' : kind === 'object' ? 'o' : 'p';
}

export interface Size {
  /** Cells beside the first and the last ones. */
  readonly cells: readonly [least: number, most: number];
  /** How many of them are cluster cells; by chance, if not given. */
  readonly jobs?: number;
}

export const USUAL: Size = { cells: [3, 7] };

export function generate(seed: number, { cells: [least, most], jobs }: Size = USUAL): FuzzNotebook {
  const random = new Random(seed);
  const groups = random.chance(0.3) ? GROUPS : 1;
  const writers = Array.from({ length: groups }, (_, group) => new Writer(random, group));
  const cells: FuzzCell[] = writers.map(({ log }, group) => ({
    group,
    place: 'here',
    statements: [`const ${log}: any[] = [];`],
  }));
  const count = least + random.below(most - least + 1);
  for (let index = 0; index < count; index++) {
    const group = random.below(groups);
    const writer = writers[group];
    if (writer === undefined) continue;
    writer.beginCell();
    const statements = Array.from({ length: 1 + random.below(4) }, () => writer.statement());
    if (writer.declared.length > 0 && random.chance(0.5)) statements.push(writer.use());
    if (random.chance(0.05)) statements.push(`throw ${writer.use()}`);
    cells.push({
      group,
      place: placeOf(random, index, groups, jobs === undefined ? undefined : count - jobs),
      statements,
    });
  }
  writers.forEach((writer, group) => {
    cells.push({ group, place: 'here', statements: writer.probes() });
  });
  return { seed, cells };
}

/** `from`: the first cell that is a cluster cell, where that is not left to chance. */
function placeOf(random: Random, index: number, groups: number, from: number | undefined): Place {
  // The first cell declares something for others to use.
  if (from === undefined ? index === 0 || random.chance(0.6) : index < from) return 'here';
  return groups > 1 && random.chance(0.5) ? 'detached' : 'cluster';
}
