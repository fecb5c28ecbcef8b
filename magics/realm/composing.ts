// The text of the scopes that functions are built in: scopes within scopes as they were, each with its variables, and in it the functions that
// close over them. Keeps the way from places in that text to the cells the functions come from.
import { RUNTIME, codeId, portalName, scriptName } from '../protocol/code';
import type { CellCode, FunctionCode, SourceRange } from '../protocol/code';
import { ProtocolError } from '../protocol/errors';
import { HOME, SELF } from '../protocol/graph';
import type { Activation, FunctionGroup } from '../protocol/graph';
import type { Variable } from './activations';
import type { CellPlace, Code } from './code-table';
import { withEdits, type Edit, type Shift } from './edits';
import { positionIn } from './frames';
import { SUPERCLASS, withSuperclass } from './heritage';
import type { Position } from './mappings';

/** A group with its code looked up, and its names known to be those of that code. */
export interface Scope {
  readonly group: FunctionGroup;
  readonly codes: readonly Code[];
  /** Index of its portal in its cell. */
  readonly portal: number | undefined;
  readonly inner: readonly Scope[];
}

/** What the text of a scope gives when it is run. */
export interface OpenedScope {
  readonly token?: object;
  readonly variables: readonly Variable[];
  readonly make: readonly ((superclass: object | null) => object)[];
  readonly inner: readonly OpenedScope[];
}

/** The environments are those of the scopes around, from the outside in; `self` and `home` are what `this` and `super` mean in them. */
export type Opener = (
  context: unknown,
  base: unknown,
  selves: readonly unknown[],
  homes: (holder: object) => Variable,
  environments: readonly object[],
  self: unknown,
  home: unknown,
) => OpenedScope;

/** What a scope lies in that is here already. */
export type Around = Pick<Activation, 'portal' | 'names'>;

interface Piece {
  readonly code: Code;
  /** In the cell's text. */
  readonly range: SourceRange;
  /** Where its text has grown. */
  readonly shifts: readonly Shift[];
  /** In the composed text. */
  readonly start: Position;
  readonly end: Position;
}

const VALUE = `${RUNTIME.portal}v`;
const BASE = `${RUNTIME.portal}b`;
const SELVES = `${RUNTIME.portal}s`;
const AROUND = `${RUNTIME.portal}e`;
const THIS = `${RUNTIME.portal}t`;
const KEPT = `${RUNTIME.portal}m`;
/** Gives a variable for the home of an object's methods. */
const HOMES = `${RUNTIME.portal}y`;
const HELD = `${RUNTIME.portal}h`;
const SUPER = `${RUNTIME.portal}u`;

export class Composer {
  readonly #kind: 'local' | 'shipped';
  readonly #around: readonly Around[];
  /** By portal. */
  readonly #environments = new Map<string, number>();
  readonly #lines: string[] = [];
  readonly #pieces: Piece[] = [];
  /** Texts of functions that are not those of their cells. */
  readonly variants: { readonly text: string; readonly cell: CellCode; readonly entry: FunctionCode }[] = [];
  /** What `this` is in the scopes where it is no object, in the order of the text. */
  readonly selves: unknown[] = [];

  /** `around`: the activations that the scope lies in, from the outside in. Only at home there are any: uses of their variables lead to them. */
  constructor(kind: 'local' | 'shipped', around: readonly Around[] = []) {
    this.#kind = kind;
    this.#around = around;
    around.forEach(({ portal }, index) => this.#environments.set(portal, index));
    if (around.length > 0 && kind !== 'local') throw new ProtocolError('Only at home a scope can lie in others.');
  }

  compose(scope: Scope): string {
    const asksSuper = this.#around.some(({ names }) => names.includes(HOME));
    const [open, close] = asksSuper
      ? inMethod(THIS, `"use strict";${HELD}.set(${SUPER});`)
      : ['(function(){"use strict";', `}).call(${THIS})`];
    this.#lines.push(
      `(function(${RUNTIME.context},${BASE},${SELVES},${HOMES},${AROUND},${THIS},${SUPER}){return${open}` +
        `const ${RUNTIME.progress}=Infinity;${this.#opening()}return`,
    );
    // No line break may follow `return`.
    this.#scope(scope, `${this.#lines.pop() ?? ''} `);
    this.#lines.push(`${close}})`);
    return this.#lines.join('\n');
  }

  /** Constants of what lies around, and its portals: kept where the inspector finds them, in the scopes of all that is made here. */
  #opening(): string {
    const tokens = new Map<string, number>();
    const constants = this.#around.map(({ portal, names }, index) => {
      if (portal !== '') tokens.set(portalName(Number(portal.split('#')[1])), index);
      const own = portal === '' ? names.filter(isVariable) : [];
      return own.length === 0 ? '' : `const{${own.join(',')}}=${AROUND}[${index}];`;
    });
    const portals = [...tokens].map(([name, index]) => `const ${name}=${AROUND}[${index}].${name};`);
    const kept = tokens.size === 0 ? '' : `const ${KEPT}=()=>[${[...tokens.keys()].join(',')}];`;
    return [...constants, ...portals, kept].join('');
  }

  /** From a place in the composed text to what the user typed. */
  locate(generated: Position): Position | undefined {
    const place = this.placeInCell(generated);
    return place && positionIn(scriptName(place.cell), place);
  }

  /** From a place in the composed text to the text of the cell it was taken from. */
  placeInCell(generated: Position): CellPlace | undefined {
    const piece = this.#pieces.find(({ start, end }) => !isBefore(generated, start) && !isBefore(end, generated));
    if (piece === undefined) return undefined;
    const { code, range, start, shifts } = piece;
    const line = generated.line - start.line;
    const inBody = line === 0 ? generated.column - start.column : generated.column;
    const grown = shifts.reduce((sum, at) => (at.line === line && at.column < inBody ? sum + at.width : sum), 0);
    return { cell: code.cell, line: range.line + line, column: inBody - grown + (line === 0 ? range.column : 0) };
  }

  #scope({ group, codes, portal, inner }: Scope, before: string): void {
    const { names, dead } = group;
    const live = names.filter((name) => isVariable(name) && !dead.has(name));
    const late = names.filter((name) => isVariable(name) && dead.has(name));
    const [open, close] = this.#frame(group);
    const token = portal === undefined ? undefined : portalName(portal);
    const declared = `${live.length === 0 ? '' : `let ${live.join(',')};`}${token === undefined ? '' : `const ${token}=()=>${token};`}`;
    const variables = names.map((name) => variableText(name, group.self)).join(',');
    this.#lines.push(
      `${before}${open}${declared}return{${token === undefined ? '' : `token:${token},`}variables:[${variables}],make:[`,
    );
    for (const code of codes) this.#code(code);
    this.#lines.push('],inner:[');
    for (const scope of inner) {
      this.#scope(scope, '');
      this.#lines.push(',');
    }
    // What stands after the return is never reached: these variables stay in their dead zone.
    this.#lines.push(`]};${late.length === 0 ? '' : `let ${late.join(',')};`}${close}`);
  }

  /**
   * What goes around a scope. In a derived class's constructor `this` is not set before `super` is called, and `super` may be called later on:
   * so arrows can be made before the object is there whose `this` they use.
   */
  #frame({ names, self }: FunctionGroup): readonly [open: string, close: string] {
    const asksSuper = names.includes(HOME);
    if (!names.includes(SELF)) return ['(()=>{', '})()'];
    if (self === undefined) {
      const home = asksSuper ? `const ${HELD}=${HOMES}(new.target.prototype);` : '';
      return [`new class extends ${BASE}{constructor(){${home}`, '}}()'];
    }
    const selfText = `${SELVES}[${this.selves.push(self.primitive) - 1}]`;
    return asksSuper ? inMethod(selfText, '') : ['(function(){', `}).call(${selfText})`];
  }

  #code(code: Code): void {
    const range = code.function[this.#kind];
    const edits = this.#environments.size === 0 ? [] : this.#editsOf(code, range);
    const { text, shifts } = withEdits(code.cell[this.#kind].text.slice(range.start, range.end), edits);
    if (edits.length > 0) this.#noteVariants(code, range, edits);
    const [before, body, after] = expressionOf(code, text);
    const start = { line: this.#lineCount(), column: before.length };
    this.#lines.push(`${before}${body}${after},`);
    const bodyLines = body.split('\n');
    const last = bodyLines.at(-1) ?? '';
    const column = (bodyLines.length === 1 ? start.column : 0) + last.length;
    this.#pieces.push({ code, range, shifts, start, end: { line: start.line + bodyLines.length - 1, column } });
  }

  /** Uses of variables of what lies around, as properties of it. */
  #editsOf({ cell }: Code, range: SourceRange): Edit[] {
    return (cell.shared ?? []).flatMap(([start, end, how, portal]) => {
      const environment = this.#environments.get(codeId(cell.id, portal));
      if (environment === undefined || start < range.start || end > range.end) return [];
      const name = cell.local.text.slice(start, end);
      const use = `${AROUND}[${environment}].${name}`;
      const text = how === 'call' ? `(0,${use})` : how === 'shorthand' ? `${name}:${use}` : use;
      return [{ start: start - range.start, end: end - range.start, text }];
    });
  }

  /** Functions that will be made by this one show their changed text. */
  #noteVariants({ cell }: Code, range: SourceRange, edits: readonly Edit[]): void {
    for (const entry of cell.functions) {
      const { start, end } = entry.local;
      if (start < range.start || end > range.end) continue;
      const own = edits
        .filter((edit) => edit.start + range.start >= start && edit.end + range.start <= end)
        .map((edit) => ({ ...edit, start: edit.start + range.start - start, end: edit.end + range.start - start }));
      if (own.length > 0)
        this.variants.push({ text: withEdits(cell.local.text.slice(start, end), own).text, cell, entry });
    }
  }

  #counted = 0;
  #lineBreaks = 0;

  /** The line, from 0, that the next entry of `lines` begins. */
  #lineCount(): number {
    for (; this.#counted < this.#lines.length; this.#counted++)
      this.#lineBreaks += (this.#lines[this.#counted] ?? '').split('\n').length;
    return this.#lineBreaks;
  }
}

/** Not what stands among the names of an activation for a word of the language. */
function isVariable(name: string): boolean {
  return name !== SELF && name !== HOME;
}

/** Around what is to find `this` and `super` in a method of an object that stands for another one. */
function inMethod(self: string, opening: string): readonly [open: string, close: string] {
  return [`((${VALUE})=>${VALUE}.m.call(${self},${HOMES}(${VALUE})))({m(${HELD}){${opening}`, '}})'];
}

function variableText(name: string, self: FunctionGroup['self']): string {
  if (name === HOME) return HELD;
  const set = name !== SELF ? `{${name}=${VALUE}}` : self === undefined ? `super(${VALUE})` : '{}';
  return `{get:()=>${name},set:(${VALUE})=>${set}}`;
}

function expressionOf(code: Code, text: string): [before: string, body: string, after: string] {
  if (code.function.kind === 'class') return [`(${SUPERCLASS})=>(`, withSuperclass(text), ')'];
  if (isMethodLike(code)) return ['()=>({', text, '})'];
  return ['()=>(', text, ')'];
}

export function isMethodLike({ function: { kind } }: Code): boolean {
  return kind === 'method' || kind === 'getter' || kind === 'setter';
}

function isBefore(a: Position, b: Position): boolean {
  return a.line < b.line || (a.line === b.line && a.column < b.column);
}
