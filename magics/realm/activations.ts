// Variables that functions closed over: shared ones behind a portal, as the lowering makes them or as they are built here, and constants, which each
// function may have for itself.
import { portalName } from '../protocol/code';
import type { PortalCode } from '../protocol/code';
import { Activation, HOME, SELF, UNINITIALISED } from '../protocol/graph';
import type { FunctionGroup } from '../protocol/graph';
import { MAIN } from '../protocol/main-context';

/** Constants of one function, read once by the inspector. Cannot be written. */
export class FreshActivation extends Activation {
  readonly portal = '';
  readonly parent: Activation | undefined;
  readonly door: object | undefined;
  readonly names: readonly string[];
  readonly #values: readonly unknown[];

  constructor(
    names: readonly string[],
    values: readonly unknown[],
    parent: Activation | undefined,
    door: object | undefined,
  ) {
    super();
    this.door = door;
    this.names = names;
    this.#values = values;
    this.parent = parent;
  }

  read(): readonly unknown[] {
    return this.#values;
  }

  write(): boolean {
    return false;
  }
}

/** See portalName in protocol/code.ts. */
export type Portal = (key: number, value?: unknown) => unknown;

/**
 * A running scope of the notebook, behind the portal that the lowering gave it. It tells only the variables that functions which travel need; when
 * another is needed after they were told, it has grown and the graph has to be written again.
 */
export class LiveActivation extends Activation {
  readonly portal: string;
  readonly parent: Activation | undefined;
  readonly token: Portal;
  readonly door: object | undefined;
  /** What `super` in it goes out from, if that is known. */
  readonly home: object | undefined;
  readonly #code: PortalCode;
  readonly #names: string[] = [];
  #isTold = false;
  #hasGrown = false;

  constructor(
    id: string,
    code: PortalCode,
    portal: Portal,
    around: {
      readonly parent: Activation | undefined;
      readonly door: object | undefined;
      readonly home: object | undefined;
    },
  ) {
    super();
    this.door = around.door;
    this.home = around.home;
    this.portal = id;
    this.parent = around.parent;
    this.#code = code;
    this.token = portal;
  }

  get names(): readonly string[] {
    this.#isTold = true;
    return this.#names;
  }

  /** Of the function whose scope it is. */
  get owner(): string {
    return this.#code.name;
  }

  /** The same scope for another walk, which may need other variables of it. */
  again(parent: Activation | undefined): LiveActivation {
    return new LiveActivation(this.portal, this.#code, this.token, { parent, door: this.door, home: this.home });
  }

  need(names: readonly string[]): void {
    const added = names.filter((name) => !this.#names.includes(name));
    this.#names.push(...added);
    if (added.length > 0 && this.#isTold) this.#hasGrown = true;
  }

  /** Since this was last asked. */
  takeGrowth(): boolean {
    const grown = this.#hasGrown;
    this.#hasGrown = false;
    return grown;
  }

  read(): readonly unknown[] {
    return this.#names.map((name) => (name === HOME ? this.home : readGuarded(() => this.token(this.#key(name)))));
  }

  write(values: readonly unknown[]): boolean {
    this.#names.forEach((name, index) => {
      const value = values[index];
      if (name !== SELF && name !== HOME && value !== UNINITIALISED) this.token(this.#key(name) + 1, value);
    });
    return true;
  }

  #key(name: string): number {
    const { names } = this.#code;
    return 2 * (name === SELF ? names.length : names.indexOf(name));
  }
}

export interface Variable {
  get(): unknown;
  set(value: unknown): void;
}

/** A scope that our own code made. */
export class BuiltActivation extends Activation {
  readonly portal: string;
  readonly parent: Activation | undefined;
  readonly names: readonly string[];
  readonly door: object | undefined;
  /** What stands for the portal. */
  readonly token: object | undefined;
  readonly #variables: readonly Variable[];

  constructor(
    group: Pick<FunctionGroup, 'portal' | 'names'>,
    around: { readonly parent: Activation | undefined; readonly door: object | undefined },
    opened: { readonly variables: readonly Variable[]; readonly token?: object },
  ) {
    super();
    this.door = around.door;
    this.portal = group.portal;
    this.parent = around.parent;
    this.names = group.names;
    this.#variables = opened.variables;
    this.token = opened.token;
  }

  read(): readonly unknown[] {
    return this.#variables.map((variable) => readGuarded(() => variable.get()));
  }

  write(values: readonly unknown[]): boolean {
    this.#variables.forEach((variable, index) => {
      const value = values[index];
      if (
        value === UNINITIALISED ||
        Object.is(
          readGuarded(() => variable.get()),
          value,
        )
      )
        return;
      variable.set(value);
    });
    return true;
  }
}

/** Variables of an activation as properties, and its portal: what functions find that are built in a scope which is there already. */
export function environmentOf(activation: Activation): object {
  const environment = Object.create(null) as object;
  activation.names.forEach((name, index) => {
    if (name === SELF || name === HOME) return;
    Object.defineProperty(environment, name, {
      get: () => {
        const value = activation.read()[index];
        if (value === UNINITIALISED) throw new MAIN.ReferenceError(`Cannot access '${name}' before initialization`);
        return value;
      },
      set: (value: unknown) => {
        activation.write(activation.names.map((other) => (other === name ? value : UNINITIALISED)));
      },
    });
  });
  const token =
    activation instanceof LiveActivation || activation instanceof BuiltActivation ? activation.token : undefined;
  const index = Number(activation.portal.split('#')[1]);
  if (token !== undefined) Object.defineProperty(environment, portalName(index), { value: token });
  return environment;
}

function readGuarded(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    // Reading a variable fails in its dead zone, and at no other time.
    return UNINITIALISED;
  }
}
