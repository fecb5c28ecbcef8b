// Which activations a function of the notebook closes over, as one walk over values meets them: found by their portals, each once.
import { codeId, portalName } from '../protocol/code';
import type { CellCode, PortalCode, PortalUse } from '../protocol/code';
import { HOME, SELF } from '../protocol/graph';
import type { Activation } from '../protocol/graph';
import { FreshActivation, LiveActivation } from './activations';
import { findHome } from './super-homes';
import type { Portal } from './activations';
import type { Code } from './code-table';
import type { Realm } from './realm';
import type { Inspection } from './scopes';

/** A portal that a function should see and does not. */
export const UNREACHABLE: unique symbol = Symbol('unreachable');

export class ActivationTable {
  readonly #realm: Realm;
  readonly #inspection: Inspection;
  readonly #names = new Map<Activation, string>();
  readonly #live = new Map<object, LiveActivation>();

  constructor(realm: Realm, inspection: Inspection) {
    this.#realm = realm;
    this.#inspection = inspection;
  }

  /** For paths in refusals: the function whose activation it is. */
  nameOf(activation: Activation): string {
    const name = activation instanceof LiveActivation ? activation.owner : this.#names.get(activation);
    return name === undefined || name === '' ? 'function' : name;
  }

  /** Did functions that were met late need variables of activations that had been told without them? Then the graph is to be written again. */
  takeGrowth(): boolean {
    let hasGrown = false;
    for (const activation of this.#live.values()) if (activation.takeGrowth()) hasGrown = true;
    return hasGrown;
  }

  /** What a function closes over: undefined for nothing, UNREACHABLE if it shares what cannot be found. */
  of(value: object, code: Code): Activation | undefined | typeof UNREACHABLE {
    const { captures, portals = [], privateOf } = code.function;
    if (captures.length === 0 && portals.length === 0 && privateOf === undefined) return undefined;
    const built = this.#realm.activations.get(value);
    if (built !== undefined) return this.#known(built, code);
    const scopes = this.#inspection.scopesOf(value);
    const door = privateOf === undefined ? undefined : this.#classAround(code.cell, privateOf, scopes);
    if (privateOf !== undefined && door === undefined) return UNREACHABLE;
    let innermost: Activation | undefined;
    for (const use of portals) {
      const activation = this.#shared(code.cell, use.portal, scopes);
      if (activation === undefined) return UNREACHABLE;
      if (activation instanceof LiveActivation) {
        if (use.asksSuper === true && activation.home === undefined) return UNREACHABLE;
        activation.need(namesOf(use));
      }
      innermost = activation;
    }
    const shared = new Set(portals.flatMap(({ names }) => names));
    const constants = captures.filter((name) => !shared.has(name));
    if (constants.length === 0 && (door === undefined || door === innermost?.door)) return innermost;
    const values = constants.map((name) => readVariable(scopes, name));
    const activation = new FreshActivation(constants, values, innermost, door);
    this.#names.set(activation, ownerName(code));
    return activation;
  }

  /** What is around an activation. */
  parentOf({ parent }: Activation): Activation | undefined {
    return parent && this.#ofThisWalk(parent);
  }

  /** Of a function that was built: it may live in a scope that never left. */
  #known(built: Activation, { cell, function: { portals = [] } }: Code): Activation {
    const innermost = this.#ofThisWalk(built);
    const needed = new Map(portals.map((use) => [codeId(cell.id, use.portal), use]));
    for (let at: Activation | undefined = innermost; at !== undefined; at = this.parentOf(at)) {
      const use = needed.get(at.portal);
      if (use !== undefined && at instanceof LiveActivation) at.need(namesOf(use));
    }
    return innermost;
  }

  /** One scope is one activation in a walk, however it was come across. */
  #ofThisWalk(activation: Activation): Activation {
    if (!(activation instanceof LiveActivation)) return activation;
    const known = this.#live.get(activation.token);
    if (known !== undefined) return known;
    const again = activation.again(this.parentOf(activation));
    this.#live.set(activation.token, again);
    return again;
  }

  /** What `super` in an activation goes out from: found from its `this`, and held against what the portal gets from there. */
  #homeOf(cell: CellCode, { names }: PortalCode, index: number, portal: Portal): object | undefined {
    const word = 2 * names.length;
    return findHome({
      cell,
      index,
      self: () => portal(word),
      get: (key) => portal(word + 1, key),
      codeOf: (value) => this.#realm.codes.codeOf(value, (subject) => this.#inspection.placeOf(subject)),
    });
  }

  /** The class that a function stands in, by its name for itself; undefined if something else has that name there. */
  #classAround(cell: CellCode, index: number, scopes: readonly object[]): object | undefined {
    const name = cell.functions[index]?.door;
    const value = name === undefined ? undefined : readVariable(scopes, name);
    if (typeof value !== 'function') return undefined;
    const found = this.#realm.codes.codeOf(value, (subject) => this.#inspection.placeOf(subject));
    return found?.cell.id === cell.id && found.function.index === index ? value : undefined;
  }

  /** The activation of a portal that a function sees, and those around it. */
  #shared(cell: CellCode, index: number, scopes: readonly object[]): Activation | undefined {
    const code = cell.portals?.[index];
    const portal = readVariable(scopes, portalName(index));
    if (code === undefined || typeof portal !== 'function') return undefined;
    const known = this.#realm.portals.get(portal) ?? this.#live.get(portal);
    if (known !== undefined) return known;
    let parent: Activation | undefined;
    for (let at = code.parent; at !== undefined && parent === undefined; at = cell.portals?.[at]?.parent)
      parent = this.#shared(cell, at, scopes);
    const door = code.door === undefined ? undefined : this.#classAround(cell, code.door, scopes);
    const activation = new LiveActivation(codeId(cell.id, index), code, portal as Portal, {
      parent,
      door,
      home: code.superOf === undefined ? undefined : this.#homeOf(cell, code, code.superOf, portal as Portal),
    });
    this.#live.set(portal, activation);
    return activation;
  }
}

/** Variables, and words of the language that stand among them. */
function namesOf({ names, self, asksSuper }: PortalUse): string[] {
  return [...names, ...(self ? [SELF] : []), ...(asksSuper === true ? [HOME] : [])];
}

/** Of the function or class whose call made a function. */
export function ownerName({ function: code, cell }: Code): string {
  const parent = code.parent === undefined ? undefined : cell.functions[code.parent];
  return parent?.name ?? code.name;
}

function readVariable(scopes: readonly object[], name: string): unknown {
  const scope = scopes.find((variables) => Object.hasOwn(variables, name));
  return scope === undefined ? undefined : Reflect.get(scope, name);
}
