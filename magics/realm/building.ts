// Functions and classes made from their code: on a worker what a bundle brought, at home what came back. Code comes from cells that this side knows; a
// graph only names it. Every activation is one scope that declares its variables once, so all its functions share them.
import { Script } from 'node:vm';
import { cellLabel, RUNTIME, scriptName } from '../protocol/code';
import type { SourceRange } from '../protocol/code';
import { ProtocolError } from '../protocol/errors';
import type { BuiltGroup, DecodeHooks, FunctionGroup, PrivateState } from '../protocol/graph';
import { BuiltActivation } from './activations';
import type { ActivationAccess } from './activations';
import type { Code } from './code-table';
import { SUPERCLASS, withSuperclass } from './heritage';
import { placeScript, positionIn } from './frames';
import type { Position } from './mappings';
import { revive, reviving, setPrivates } from './private-fields';
import type { Realm } from './realm';

interface Piece {
  readonly code: Code;
  /** In the cell's text. */
  readonly range: SourceRange;
  /** In the group's script. */
  readonly start: Position;
  readonly end: Position;
}

let scripts = 0;

export class Builder implements DecodeHooks {
  readonly #realm: Realm;
  /** May source text that came with the graph be compiled? On a worker yes: it is the notebook's own. At home never. */
  readonly #takesSource: boolean;

  constructor(realm: Realm, options: { readonly takesSource: boolean }) {
    this.#realm = realm;
    this.#takesSource = options.takesSource;
  }

  resolve(path: string): unknown {
    return this.#realm.references.resolve(path);
  }

  build(group: FunctionGroup): BuiltGroup {
    const codes = group.codes.map((id) => this.#code(id));
    const { text, pieces } = this.#compose(group.names, codes);
    const [first] = codes;
    const filename = `${first === undefined ? 'cellburst:activation' : scriptName(first.cell)}:${scripts++}`;
    placeScript(filename, first === undefined ? '' : cellLabel(first.cell.execution), (generated) =>
      locate(pieces, generated),
    );
    const script = new Script(text, { filename });
    const open = script.runInThisContext() as (context: unknown) => Group;
    const opened = open(this.#realm.contextOfCode());
    const activation = new BuiltActivation(group.names, opened);
    return {
      activation,
      make: (index, superclass) =>
        this.#make(codes[index], opened.make[index], superclass, group.names.length > 0 ? activation : undefined),
    };
  }

  member(owner: object, isStatic: boolean, key: string | symbol, slot: 'value' | 'get' | 'set'): unknown {
    const members = this.#realm.members.get(owner);
    const known = members?.find((member) => member.isStatic === isStatic && member.key === key);
    if (known !== undefined) return known.descriptor[slot];
    const holder: unknown = isStatic ? owner : Reflect.getOwnPropertyDescriptor(owner, 'prototype')?.value;
    if ((typeof holder !== 'object' && typeof holder !== 'function') || holder === null) return undefined;
    return Reflect.getOwnPropertyDescriptor(holder, key)?.[slot];
  }

  fromSource(text: string): object {
    if (!this.#takesSource) throw new ProtocolError('A function made by `new Function` cannot come back from a job.');
    return new Script(`(${text})`, { filename: 'cellburst-function' }).runInThisContext() as object;
  }

  revive(owner: object): object {
    return revive(owner);
  }

  setPrivates(target: object, state: PrivateState): boolean {
    return setPrivates(target, state);
  }

  #code(id: string): Code {
    const code = this.#realm.codes.byId(id);
    if (code === undefined) throw new ProtocolError(`There is no code ${id} here.`);
    return code;
  }

  #make(
    code: Code | undefined,
    make: Group['make'][number] | undefined,
    superclass: object | null,
    activation: BuiltActivation | undefined,
  ): object {
    if (code === undefined || make === undefined) throw new ProtocolError('A function of an activation is missing.');
    const made = reviving(() => make(superclass));
    const value = isMethodLike(code) ? partOf(made, code) : made;
    this.#realm.codes.note(value, code);
    if (activation !== undefined) this.#realm.activations.set(value, activation);
    if (code.function.kind === 'class') this.#realm.noteMembers(value);
    return value;
  }

  #compose(names: readonly string[], codes: readonly Code[]): { text: string; pieces: Piece[] } {
    const pieces: Piece[] = [];
    const variables = names.length === 0 ? '' : `let ${names.join(',')};`;
    const lines = [
      `(function(${RUNTIME.context}){"use strict";const ${RUNTIME.progress}=Infinity;${variables}return{make:[`,
    ];
    for (const code of codes) {
      const [before, body, after] = this.#expression(code);
      const start = { line: countLines(lines.join('\n')), column: before.length };
      lines.push(`${before}${body}${after},`);
      const bodyLines = body.split('\n');
      const last = bodyLines[bodyLines.length - 1] ?? '';
      const end = {
        line: start.line + bodyLines.length - 1,
        column: (bodyLines.length === 1 ? start.column : 0) + last.length,
      };
      pieces.push({ code, range: code.function[this.#realm.text], start, end });
    }
    const list = names.join(',');
    lines.push(`],read:()=>[${list}],write:(v)=>{${names.length === 0 ? '' : `[${list}]=v`}}}})`);
    return { text: lines.join('\n'), pieces };
  }

  #expression(code: Code): [before: string, body: string, after: string] {
    const range = code.function[this.#realm.text];
    const text = code.cell[this.#realm.text].text.slice(range.start, range.end);
    if (code.function.kind === 'class') return [`(${SUPERCLASS})=>(`, withSuperclass(text), ')'];
    if (isMethodLike(code)) return ['()=>({', text, '})'];
    return ['()=>(', text, ')'];
  }
}

interface Group extends ActivationAccess {
  readonly make: readonly ((superclass: object | null) => object)[];
}

function isMethodLike({ function: { kind } }: Code): boolean {
  return kind === 'method' || kind === 'getter' || kind === 'setter';
}

function partOf(holder: object, { function: { kind } }: Code): object {
  const [key] = Reflect.ownKeys(holder);
  const descriptor = key === undefined ? undefined : Reflect.getOwnPropertyDescriptor(holder, key);
  const part: unknown = kind === 'getter' ? descriptor?.get : kind === 'setter' ? descriptor?.set : descriptor?.value;
  if (typeof part !== 'function') throw new ProtocolError('The code of a method gives no function.');
  return part;
}

function countLines(text: string): number {
  return text.split('\n').length;
}

/** From a place in a group's script, over the cell's lowered text, to what the user typed. */
function locate(pieces: readonly Piece[], generated: Position): Position | undefined {
  const piece = pieces.find(({ start, end }) => !isBefore(generated, start) && !isBefore(end, generated));
  if (piece === undefined) return undefined;
  const { code, range, start } = piece;
  const line = generated.line - start.line;
  const inCell = {
    line: range.line + line,
    column: line === 0 ? generated.column - start.column + range.column : generated.column,
  };
  return positionIn(scriptName(code.cell), inCell);
}

function isBefore(a: Position, b: Position): boolean {
  return a.line < b.line || (a.line === b.line && a.column < b.column);
}
