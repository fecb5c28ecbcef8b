// What a graph asks of the realm: everything that is code and not data.

/** Variables that functions of the notebook closed over. Numbered like an object; its identity is that of the activation. */
export abstract class Activation {
  readonly #brand = true;

  /** Not by instanceof: that would ask a Proxy for its prototype. */
  static is(value: object): value is Activation {
    return #brand in value;
  }

  /** Which scope it is an activation of: the cell's id, `#`, the portal's index. '' for constants that a function has to itself. */
  abstract readonly portal: string;
  /** The next activation around it that is of interest. */
  abstract readonly parent: Activation | undefined;
  /** The class that it lies in, if functions of it use private names of that class: they can only be made there. */
  abstract readonly door: object | undefined;
  /** SELF and HOME may be among them. */
  abstract readonly names: readonly string[];
  /** In the order of `names`; UNINITIALISED for a variable in its dead zone. */
  abstract read(): readonly unknown[];
  /** False where the variables cannot be written. */
  abstract write(values: readonly unknown[]): boolean;
}

/** Stands among the names of an activation for what `this` is in it. */
export const SELF = 'this';
/** The same for the object that `super` in it goes out from: `C.prototype` for methods of C, C for its static ones, the literal for its methods. */
export const HOME = 'super';

export const UNINITIALISED: unique symbol = Symbol('uninitialised');

/** Why something cannot travel: `what` it is and the advice, in the grammar of errors.ts. */
export interface RefusalReason {
  readonly what: string;
  readonly advice: string;
}

export type FunctionShape =
  /** `home`: of a method that uses `super`, the object it was written in. */
  | { readonly kind: 'function'; readonly code: string; readonly activation?: Activation; readonly home?: object }
  /** `superclass` absent: it extends nothing, or null. `keys`: what its computed keys came out as. */
  | {
      readonly kind: 'class';
      readonly code: string;
      readonly activation?: Activation;
      readonly superclass?: object;
      readonly keys: readonly (string | symbol)[];
    }
  /** A method or accessor that comes with its class. */
  | {
      readonly kind: 'member';
      readonly owner: object;
      readonly isStatic: boolean;
      readonly key: string | symbol;
      readonly slot: 'value' | 'get' | 'set';
    }
  | {
      readonly kind: 'bound';
      readonly target: object;
      readonly self: unknown;
      readonly args: readonly unknown[];
    }
  /** Made by `new Function`: travels as its own source. */
  | { readonly kind: 'source'; readonly text: string }
  | { readonly kind: 'refused'; readonly reason: RefusalReason };

/** Private fields of one class in an object of it, or its private statics. */
export interface PrivateState {
  readonly owner: object;
  readonly isStatic: boolean;
  /** By name as typed: `#secret`. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** An object that travels as something else, which a codec has made of it and makes it of again. */
export interface Coded {
  /** Both sides have it, or it travels as well. */
  readonly codec: object;
  readonly payload: unknown;
  /** Keys that the codec takes care of; the object's other properties travel as well. Absent: it takes care of all. */
  readonly ownKeys?: ReadonlySet<string | symbol>;
}

/** Thrown by `DecodeHooks.decodeBy`: nothing can be made of what came for an object. */
export class NotDecoded extends Error {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, options?: ErrorOptions) {
    super(`${reason.what}. ${reason.advice[0]?.toUpperCase() ?? ''}${reason.advice.slice(1)}.`, options);
    this.reason = reason;
  }
}

/** How a Promise came out. */
export interface Settled {
  readonly state: 'fulfilled' | 'rejected';
  readonly value: unknown;
}

export interface EncodeHooks {
  /** Of a Promise; undefined while it is pending. */
  settledAs(promise: object): Settled | undefined;
  /** Undefined for what travels by its properties. Asked for every object that is not plain. */
  codedBy(value: object): Coded | { readonly reason: RefusalReason } | undefined;
  /** Notebook names that code uses. */
  namesOf(code: string): readonly string[];
  /** Empty for what has none, or none that can be read (see `refuse`). */
  privatesOf(value: object): readonly PrivateState[];
  /** The path of a builtin or of an export of a module. */
  pathOf(value: object | symbol): string | undefined;
  describe(value: object): FunctionShape;
  /** Is this property of a function, class or prototype just what its code gives? Then only its key is sent. */
  isImplied(owner: object, key: string | symbol, descriptor: PropertyDescriptor): boolean;
  /** The class of an object of a package, as refusals name it; undefined for any other object. */
  packageClassOf(value: object): { readonly name: string; readonly shown: string } | undefined;
  /** The last word on an object that is not plain data: an instance of a class that hides state, a handle of this process. */
  refuse(value: object): RefusalReason | undefined;
  /** What the user has marked to stay; undefined for nothing. */
  readonly kept: { has(value: object): boolean } | undefined;
  /** The activation around another one. */
  parentOf(activation: Activation): Activation | undefined;
  /** For paths in refusals: `makeAdder` in `add3⟨makeAdder⟩.n`. */
  nameOf(activation: Activation): string;
}

/** One activation, or none, with the functions that live in it and the activations within. */
export interface FunctionGroup {
  /** As in Activation. */
  readonly portal: string;
  readonly names: readonly string[];
  /** Those in their dead zone. */
  readonly dead: ReadonlySet<string>;
  /** What `this` is, where SELF is a name and it is no object. */
  readonly self: { readonly primitive: unknown } | undefined;
  readonly codes: readonly string[];
  readonly inner: readonly FunctionGroup[];
}

export interface BuiltGroup {
  readonly activation: Activation;
  readonly inner: readonly BuiltGroup[];
  /** Gives the i-th function; a class needs its superclass for that. Asked once for each. */
  make(index: number, superclass: object | null, keys?: readonly (string | symbol)[]): object;
}

export interface BuildPlace {
  /** The activation that is around it and is here already. */
  readonly within?: Activation;
  /** The class inside of which it is made; what is around it the class sees. */
  readonly door?: object;
  /** What is around it, where it is the class that sees it. */
  readonly parent?: Activation;
}

export interface DecodeHooks {
  /** Makes an object that looks like those of `prototype`. Throws NotDecoded when it cannot, and a sentence when this side does not know the codec. */
  decodeBy(codec: object, payload: unknown, prototype: object): object;
  /** The value at a path of `EncodeHooks.pathOf`. */
  resolve(path: string): unknown;
  build(group: FunctionGroup, place?: BuildPlace): BuiltGroup;
  member(owner: object, isStatic: boolean, key: string | symbol, slot: 'value' | 'get' | 'set'): unknown;
  fromSource(text: string): object;
  /** An object of the class with its private fields in place, without any code of the user's having run. */
  revive(owner: object): object;
  /** Says whose method a built one is that uses `super`. False when it uses none. */
  settleHome(method: object, home: object): boolean;
  /** False when the object has no such fields. */
  setPrivates(target: object, state: PrivateState): boolean;
}
