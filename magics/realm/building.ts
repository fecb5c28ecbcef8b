// Functions and classes made from their code: on a worker what a bundle brought, at home what came back. Code comes from cells that this side knows; a
// graph only names it. Every activation is one scope that declares its variables once, so all its functions share them.
import { Script } from 'node:vm';
import { cellLabel, scriptName } from '../protocol/code';
import { ProtocolError } from '../protocol/errors';
import { HOME, SELF } from '../protocol/graph';
import type { Activation, BuildPlace, BuiltGroup, DecodeHooks, FunctionGroup, PrivateState } from '../protocol/graph';
import { MAIN } from '../protocol/main-context';
import { BuiltActivation } from './activations';
import type { Code } from './code-table';
import { CODEC_PATH } from './codecs';
import { Composer, isMethodLike } from './composing';
import type { OpenedScope, Opener, Scope } from './composing';
import { placeScript } from './frames';
import { homeVariable, settleHome, standIn } from './homes';
import { openClass, revive, reviving, setPrivates } from './private-fields';
import { References } from './references';
import { stayedBehind } from './stayed';
import type { Realm } from './realm';

interface Surroundings {
  readonly parent: Activation | undefined;
  readonly door: object | undefined;
}

let scripts = 0;

export class Builder implements DecodeHooks {
  readonly #realm: Realm;
  /** May source text that came with the graph be compiled? On a worker yes: it is the notebook's own. At home never. */
  readonly #takesSource: boolean;
  /** Why modules are not here that the graph refers into. */
  readonly #absent: ReadonlyMap<string, string>;
  readonly #standIns = new Map<string, unknown>();

  constructor(realm: Realm, options: { readonly takesSource: boolean; readonly absent?: ReadonlyMap<string, string> }) {
    this.#realm = realm;
    this.#takesSource = options.takesSource;
    this.#absent = options.absent ?? new Map();
  }

  resolve(path: string): unknown {
    const { references, codecs } = this.#realm;
    if (path.startsWith(CODEC_PATH)) return codecs.of(references.resolve(path.slice(CODEC_PATH.length)));
    const reason = this.#absent.get(References.moduleOf(path) ?? '');
    return reason === undefined ? references.resolve(path) : this.#standIn(path, reason);
  }

  /** The same for all that refers there: whatever one does with it says why it is not here. */
  #standIn(path: string, reason: string): unknown {
    const known = this.#standIns.get(path) ?? stayedBehind(References.shown(path), reason);
    this.#standIns.set(path, known);
    return known;
  }

  decodeBy(codec: object, payload: unknown, prototype: object): object {
    const { codecs } = this.#realm;
    if (this.#takesSource) codecs.adopt(codec);
    else if (!codecs.knows(codec)) throw new ProtocolError('A reply names a codec that this notebook does not have.');
    return codecs.decode(codec, payload, prototype);
  }

  build(group: FunctionGroup, place: BuildPlace = {}): BuiltGroup {
    const { within, door } = place;
    const scope = this.#scope(group);
    if (door !== undefined) this.#checkDoor(scope, door);
    const around = within === undefined ? [] : chainOf(within);
    const composer = new Composer(this.#realm.text, around);
    const text = composer.compose(scope);
    const first = firstCode(scope);
    const filename = `${first === undefined ? 'cellburst:activation' : scriptName(first.cell)}:${scripts++}`;
    placeScript(filename, first === undefined ? '' : cellLabel(first.cell.execution), (generated) =>
      composer.locate(generated),
    );
    const open = this.#open(text, filename, door);
    this.#realm.codes.addScript(filename, open, (place) => composer.placeInCell(place));
    for (const variant of composer.variants) this.#realm.codes.addVariant(variant.text, variant.cell, variant.entry);
    const environments = around.map((activation) => this.#realm.environmentOf(activation));
    const [self, home] = [SELF, HOME].map((word) => wordOf(around, word));
    const context = this.#realm.contextOfCode();
    const opened = open(context, giveBack(), composer.selves, homeVariable, environments, self, home);
    return this.#adopt(scope, opened, { parent: within ?? place.parent, door });
  }

  /** In a class its private names mean what they do there, and what is around it is seen. */
  #open(text: string, filename: string, door: object | undefined): Opener {
    if (door === undefined) return new Script(text, { filename }).runInThisContext() as Opener;
    return openClass(door, `${text}\n//# sourceURL=${filename}`) as Opener;
  }

  /** Code goes into the class that it was written in, and into no other. */
  #checkDoor(scope: Scope, door: object): void {
    const found = this.#realm.codes.codeOf(door, () => undefined);
    const isOf = ({ codes, inner }: Scope): boolean =>
      codes.every((code) => code.cell.id === found?.cell.id && isAround(found.function.index, code)) &&
      inner.every(isOf);
    if (found === undefined || !isOf(scope))
      throw new ProtocolError('A function is to be made in a class that is not its own.');
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

  settleHome(method: object, home: object): boolean {
    return settleHome(method, home);
  }

  setPrivates(target: object, state: PrivateState): boolean {
    return setPrivates(target, state);
  }

  #code(id: string): Code {
    const code = this.#realm.codes.byId(id);
    if (code === undefined) throw new ProtocolError(`There is no code ${id} here.`);
    return code;
  }

  /** Looks up the code; a graph may only name variables that the code has: names become source text. */
  #scope(group: FunctionGroup): Scope {
    const codes = group.codes.map((id) => this.#code(id));
    const [cellId = '', index = ''] = group.portal.split('#');
    const portal = group.portal === '' ? undefined : this.#realm.codes.cell(cellId)?.portals?.[Number(index)];
    if (group.portal !== '' && portal === undefined) throw new ProtocolError(`There is no scope ${group.portal} here.`);
    const allowed = new Set(portal?.names ?? codes.flatMap((code) => code.function.captures));
    if (portal?.self === true) allowed.add(SELF);
    if (portal?.superOf !== undefined) allowed.add(HOME);
    for (const name of group.names)
      if (!allowed.has(name)) throw new ProtocolError(`The code has no variable ${JSON.stringify(name)}.`);
    return { group, codes, portal: portal?.index, inner: group.inner.map((inner) => this.#scope(inner)) };
  }

  #adopt({ group, codes, inner }: Scope, opened: OpenedScope, around: Surroundings): BuiltGroup {
    const { parent, door } = around;
    const isBare = group.portal === '' && group.names.length === 0 && (door === undefined || parent?.door === door);
    const built = new BuiltActivation(group, around, opened);
    const activation = isBare ? parent : built;
    if (opened.token !== undefined) this.#realm.portals.set(opened.token, built);
    return {
      activation: built,
      make: (index, superclass, keys = []) => {
        const make = opened.make[index];
        return this.#make(codes[index], make && (() => make(superclass)), keys, activation);
      },
      inner: inner.flatMap((scope, index) => {
        const part = opened.inner[index];
        return part === undefined ? [] : [this.#adopt(scope, part, { parent: activation, door })];
      }),
    };
  }

  #make(
    code: Code | undefined,
    make: (() => object) | undefined,
    keys: readonly (string | symbol)[],
    activation: Activation | undefined,
  ): object {
    if (code === undefined || make === undefined) throw new ProtocolError('A function of an activation is missing.');
    const made = reviving(make, keys);
    const value = isMethodLike(code) ? partOf(made, code) : made;
    if (value !== made && code.function.usesSuper) standIn(made, value);
    this.#realm.codes.note(value, code);
    if (activation !== undefined) this.#realm.activations.set(value, activation);
    if (code.function.kind === 'class') this.#realm.noteMembers(value);
    return value;
  }
}

/** What stands where a base class would: gives the object it is given, for `super` to take. */
function giveBack(): unknown {
  return MAIN.eval('(function (object) { return object; })');
}

/** From the outside in. */
function chainOf(within: Activation): Activation[] {
  const chain: Activation[] = [];
  for (let at: Activation | undefined = within; at !== undefined; at = at.parent) chain.unshift(at);
  return chain;
}

/** What `this` or the home of `super` is in activations. */
function wordOf(around: readonly Activation[], word: string): unknown {
  const owner = around.findLast((activation) => activation.names.includes(word));
  return owner?.read()[owner.names.indexOf(word)];
}

/** Does the code stand in the class or function of that index? */
function isAround(index: number, { cell, function: { parent } }: Code): boolean {
  for (let at = parent; at !== undefined; at = cell.functions[at]?.parent) if (at === index) return true;
  return false;
}

function firstCode({ codes, inner }: Scope): Code | undefined {
  return codes[0] ?? inner.map(firstCode).find((code) => code !== undefined);
}

function partOf(holder: object, { function: { kind } }: Code): object {
  const [key] = Reflect.ownKeys(holder);
  const descriptor = key === undefined ? undefined : Reflect.getOwnPropertyDescriptor(holder, key);
  const part: unknown = kind === 'getter' ? descriptor?.get : kind === 'setter' ? descriptor?.set : descriptor?.value;
  if (typeof part !== 'function') throw new ProtocolError('The code of a method gives no function.');
  return part;
}
