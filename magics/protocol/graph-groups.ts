// Functions of one activation are built together, in one scope, and activations that lie in each other as one tree: which ones, and when.
import { ActivationForest, bareGroup } from './graph-activations';
import type { ActivationTree } from './graph-activations';
import type { Numbered } from './graph-encode';
import { broken } from './graph-heads';
import type { ActivationHead, Pending } from './graph-heads';
import { Activation } from './graph-hooks';
import type { BuiltGroup, DecodeHooks } from './graph-hooks';

/** A tree of activations that is to be built at once. */
interface Plan {
  readonly tree: ActivationTree;
  /** The number of what is around it, -1 for none. */
  readonly parent: number;
  isMade: boolean;
}

/** The objects of the graph that is being read. */
export interface GroupPlace {
  /** If it is there by now. */
  made(number: number): Numbered | undefined;
  /** Made now if it waits for others. */
  madeObject(number: number): object;
  putActivation(number: number, activation: Activation): void;
}

export class CodeGroups {
  readonly #hooks: DecodeHooks;
  readonly #place: GroupPlace;
  readonly #groups = new Map<number, BuiltGroup>();
  /** By number of each activation: the tree that it is built with. */
  readonly #plans = new Map<number, Plan>();
  readonly #groupIndex = new Map<number, number>();

  constructor(hooks: DecodeHooks, place: GroupPlace) {
    this.#hooks = hooks;
    this.#place = place;
  }

  /** `activations`: those to be made, by number. */
  collect(pending: ReadonlyMap<number, Pending>, activations: Iterable<readonly [number, ActivationHead]>): void {
    const members = new Map<number, string[]>();
    for (const [number, code] of pending) {
      if ((code.kind !== 'function' && code.kind !== 'class') || code.activation === -1) continue;
      const codes = members.get(code.activation) ?? [];
      this.#groupIndex.set(number, codes.push(code.code) - 1);
      members.set(code.activation, codes);
    }
    const forest = new ActivationForest();
    for (const [number, head] of activations) forest.add(number, head, members);
    const roots = forest.roots();
    for (const { tree, parent } of roots) this.#plan(tree, { tree, parent, isMade: false });
    for (const number of forest.numbers) if (!this.#plans.has(number)) throw broken('activations lie in each other');
    for (const { tree } of roots) this.#groupOf(tree.number);
    // What is left are functions born in an activation that this side has.
    for (const [number, codes] of members) {
      if (this.#groups.has(number)) continue;
      const within = this.#activationHere(number);
      const door = doorOf(within);
      this.#groups.set(
        number,
        this.#hooks.build(bareGroup(codes), { within, ...(door === undefined ? {} : { door }) }),
      );
    }
  }

  #plan({ number, inner }: ActivationTree, plan: Plan): void {
    this.#plans.set(number, plan);
    for (const tree of inner) this.#plan(tree, plan);
  }

  /** Built when it is first needed: one that is made inside of a class waits for that class, whose own group may be another. */
  #groupOf(number: number): BuiltGroup | undefined {
    const plan = this.#plans.get(number);
    if (plan !== undefined && !this.#groups.has(number)) {
      if (plan.isMade) throw broken('functions need each other to be made');
      plan.isMade = true;
      this.#build(plan);
    }
    return this.#groups.get(number);
  }

  #build({ tree, parent }: Plan): void {
    const around = parent === -1 ? undefined : this.#around(parent);
    const door = tree.door === -1 ? undefined : this.#place.madeObject(tree.door);
    const isSeen = this.#plans.has(parent);
    const place = {
      ...(around === undefined ? {} : isSeen ? { parent: around } : { within: around }),
      ...(door === undefined ? {} : { door }),
    };
    this.#adopt(tree, this.#hooks.build(tree.group, place));
  }

  /** Of another tree, or here already. */
  #around(number: number): Activation {
    this.#groupOf(number);
    return this.#activationHere(number);
  }

  #adopt({ number, inner }: ActivationTree, built: BuiltGroup): void {
    this.#groups.set(number, built);
    this.#place.putActivation(number, built.activation);
    inner.forEach((tree, index) => {
      const group = built.inner[index];
      if (group !== undefined) this.#adopt(tree, group);
    });
  }

  #activationHere(number: number): Activation {
    const activation = this.#place.made(number);
    if (activation === undefined || typeof activation === 'symbol' || !Activation.is(activation))
      throw broken(`object ${number} is no activation of functions`);
    return activation;
  }

  /** A function or a class, of an activation (-1: of none). */
  make(
    number: number,
    code: string,
    activation: number,
    superclass: object | null,
    keys: readonly (string | symbol)[] = [],
  ): object {
    if (activation === -1) return this.#hooks.build(bareGroup([code])).make(0, superclass, keys);
    const group = this.#groupOf(activation);
    if (group === undefined) throw broken('a function has no activation');
    return group.make(this.#groupIndex.get(number) ?? -1, superclass, keys);
  }
}

/** The class inside of which functions of an activation are made that is here. */
function doorOf(within: Activation): object | undefined {
  for (let at: Activation | undefined = within; at !== undefined; at = at.parent)
    if (at.door !== undefined) return at.door;
  return undefined;
}
