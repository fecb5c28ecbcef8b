// What the graph asks of code on the way out: which function of which cell a value is, with which variables, and what of it the code itself gives.
// One walk, one Describer: it holds an inspector session while it lives.
import type { CellCode, FunctionCode } from '../protocol/code';
import { MARK } from '../protocol/code';
import type { Activation, EncodeHooks, FunctionShape, PrivateState, RefusalReason, Settled } from '../protocol/graph';
import { FunctionPrototype, textOfFunction } from '../protocol/intrinsics';
import { ActivationTable, UNREACHABLE, ownerName } from './activation-table';
import { idOf } from './code-table';
import type { Code } from './code-table';
import { CODEC_PATH, nameOf } from './codecs';
import type { Registration } from './codecs';
import { homeOf } from './homes';
import { InstanceRules } from './instances';
import { markedLocal } from './local-marks';
import { computedKeysOf, privatesOf } from './private-fields';
import { References } from './references';
import type { Realm } from './realm';
import { Inspection } from './scopes';

interface Member {
  readonly owner: object;
  readonly isStatic: boolean;
  readonly key: string | symbol;
  readonly slot: 'value' | 'get' | 'set';
}

/** What a walk came across. */
export interface Found {
  /** Cells whose functions travel. */
  readonly cells: Set<CellCode>;
  /** Modules that references lead into. */
  readonly modules: Set<string>;
}

export class Describer implements EncodeHooks {
  readonly found: Found = { cells: new Set(), modules: new Set() };
  readonly kept = markedLocal();
  readonly #realm: Realm;
  /** Is it for the side that sent a bundle? That one has its own codecs only. */
  readonly #isReply: boolean;
  readonly #onCode: (code: Code) => void;
  readonly #inspection = new Inspection();
  readonly #instances: InstanceRules;
  readonly #shapes = new Map<object, FunctionShape>();
  readonly #coded = new Map<object, ReturnType<EncodeHooks['codedBy']>>();
  readonly #members = new Map<object, Member>();
  readonly #activations: ActivationTable;

  /** `onCode` is told of every function whose code travels: the names it uses have to travel as well. */
  constructor(realm: Realm, onCode: (code: Code) => void, options: { readonly isReply?: boolean } = {}) {
    this.#realm = realm;
    this.#isReply = options.isReply ?? false;
    this.#onCode = onCode;
    this.#activations = new ActivationTable(realm, this.#inspection);
    this.#instances = new InstanceRules(realm.references, this.#inspection, (value) => this.codeOf(value));
  }

  close(): void {
    this.#inspection.close();
  }

  pathOf(value: object | symbol): string | undefined {
    const module = typeof value === 'symbol' ? undefined : this.#realm.codecs.moduleOf(value);
    if (module !== undefined) return this.#codecPath(value as Registration, module);
    const path = this.#realm.references.pathOf(value);
    const specifier = path === undefined ? undefined : References.moduleOf(path);
    if (specifier !== undefined) this.found.modules.add(specifier);
    return path;
  }

  /** A codec that a local module registered is there wherever the module is loaded. */
  #codecPath({ type }: Registration, module: string): string | undefined {
    const path = this.pathOf(type);
    this.found.modules.add(module);
    return path === undefined ? undefined : CODEC_PATH + path;
  }

  codedBy(value: object): ReturnType<EncodeHooks['codedBy']> {
    if (this.#coded.size > 0 && this.#coded.has(value)) return this.#coded.get(value);
    let coded = this.#realm.codecs.encode(value);
    if (this.#isReply && coded !== undefined && 'codec' in coded && !this.#realm.codecs.isFromHome(coded.codec))
      coded = { reason: unknownAtHome(coded.codec as Registration) };
    // What an object was encoded to stays the same during one walk, also when it is repeated.
    if (coded !== undefined && 'codec' in coded) this.#coded.set(value, coded);
    return coded;
  }

  namesOf(code: string): readonly string[] {
    const uses = this.#realm.codes.byId(code)?.function.uses;
    return uses === undefined ? [] : [...uses.reads, ...uses.writes, ...uses.probes];
  }

  refuse(value: object): RefusalReason | undefined {
    return this.#instances.refuse(value);
  }

  packageClassOf(value: object): ReturnType<EncodeHooks['packageClassOf']> {
    return this.#instances.packageClassOf(value);
  }

  settledAs(promise: object): Settled | undefined {
    return this.#inspection.settled(promise);
  }

  privatesOf(value: object): readonly PrivateState[] {
    return privatesOf(value);
  }

  nameOf(activation: Activation): string {
    return this.#activations.nameOf(activation);
  }

  parentOf(activation: Activation): Activation | undefined {
    return this.#activations.parentOf(activation);
  }

  takeGrowth(): boolean {
    return this.#activations.takeGrowth();
  }

  codeOf(value: object): Code | undefined {
    return this.#realm.codes.codeOf(value, (subject) => this.#inspection.placeOf(subject));
  }

  describe(value: object): FunctionShape {
    const known = this.#shapes.get(value);
    if (known !== undefined) return known;
    const shape = this.#shapeOf(value);
    this.#shapes.set(value, shape);
    return shape;
  }

  isImplied(owner: object, key: string | symbol, descriptor: PropertyDescriptor): boolean {
    if (typeof owner === 'function') {
      if (key === 'length') return typeof descriptor.value === 'number';
      if (key === 'prototype') return isOwnPrototype(owner, descriptor.value);
      return this.#isMember(owner, true, key, descriptor);
    }
    const constructor: unknown = Reflect.getOwnPropertyDescriptor(owner, 'constructor')?.value;
    if (key === 'constructor') return descriptor.value !== undefined && descriptor.enumerable !== true;
    return typeof constructor === 'function' && this.#isMember(constructor, false, key, descriptor);
  }

  #shapeOf(value: object): FunctionShape {
    const code = this.codeOf(value);
    if (code === undefined) return this.#withoutCode(value);
    const member = this.#memberOf(value, code);
    if (member !== undefined) return { kind: 'member', ...member };
    const home = code.function.usesSuper && isMethod(code.function) ? homeOf(value) : undefined;
    if (code.function.usesSuper && isMethod(code.function) && home === undefined) return refused(SUPER);
    const parent = code.function.parent === undefined ? undefined : code.cell.functions[code.function.parent];
    // What a decorator was given of a method is a function of its own by now.
    const isReplaced = parent?.isDecorated === true;
    if (parent?.kind === 'class' && isMethod(code.function) && !isReplaced) return refused(APART);
    const reason = reasonAgainst(code);
    if (reason !== undefined) return refused(reason);
    const captured = this.#activations.of(value, code);
    if (captured === UNREACHABLE && code.function.privateOf !== undefined) return refused(PRIVATE);
    if (captured === UNREACHABLE && code.function.portals?.some(({ asksSuper }) => asksSuper === true) === true)
      return refused({
        what: `an arrow function that uses \`super\` of ${ownerName(code)}, whose object cannot be told`,
        advice: 'make it a method of that object',
      });
    if (captured === UNREACHABLE)
      return refused({ what: `its shared variables of ${ownerName(code)} cannot be read`, advice: KEEP });
    this.found.cells.add(code.cell);
    this.#onCode(code);
    const activation = captured === undefined ? {} : { activation: captured };
    if (code.function.kind !== 'class')
      return { kind: 'function', code: idOf(code), ...activation, ...(home === undefined ? {} : { home }) };
    const superclass = Reflect.getPrototypeOf(value);
    const extended = superclass === null || superclass === FunctionPrototype ? {} : { superclass };
    return { kind: 'class', code: idOf(code), ...activation, ...extended, keys: computedKeysOf(value) };
  }

  #withoutCode(value: object): FunctionShape {
    const text = textOfFunction(value);
    const isNative = text.includes('[native code]');
    const bound = isNative ? this.#inspection.boundParts(value) : undefined;
    if (bound !== undefined) return { kind: 'bound', ...bound };
    if (/^(async )?function\*? anonymous\(/.test(text)) return { kind: 'source', text };
    const name = functionName(value);
    if (isNative) return refused({ what: `${name} is native code`, advice: 'import the module inside the cell' });
    return refused({
      what: `${name} has no source in this notebook`,
      advice: 'import its module in a cell of its own',
    });
  }

  /** A method, getter or setter that its class brings along. */
  #memberOf(value: object, code: Code): Member | undefined {
    const parent = code.function.parent === undefined ? undefined : code.cell.functions[code.function.parent];
    if (parent?.kind !== 'class' || !isMethod(code.function)) return undefined;
    const known = this.#members.get(value);
    if (known !== undefined) return known;
    const owner = this.#ownerOf(value, code, parent.index);
    if (owner !== undefined) this.#collectMembers(owner);
    return this.#members.get(value);
  }

  /** The class of a method that was met before it: one of the notebook's names, in general. */
  #ownerOf(value: object, code: Code, parent: number): object | undefined {
    for (const name of this.#realm.names()) {
      const candidate = this.#realm.get(name);
      if (typeof candidate !== 'function') continue;
      const found = this.codeOf(candidate);
      if (found?.cell.id !== code.cell.id || found.function.index !== parent) continue;
      this.#collectMembers(candidate);
      if (this.#members.has(value)) return candidate;
    }
    return undefined;
  }

  #collectMembers(owner: object): void {
    const prototype: unknown = Reflect.getOwnPropertyDescriptor(owner, 'prototype')?.value;
    for (const [holder, isStatic] of [
      [owner, true],
      [prototype, false],
    ] as const) {
      if (typeof holder !== 'object' && typeof holder !== 'function') continue;
      if (holder === null) continue;
      for (const key of Reflect.ownKeys(holder)) {
        const descriptor = Reflect.getOwnPropertyDescriptor(holder, key);
        if (descriptor !== undefined) this.#isMember(owner, isStatic, key, descriptor);
      }
    }
  }

  /** Is the property a method or accessor that the class's own text gives under this key? */
  #isMember(owner: object, isStatic: boolean, key: string | symbol, descriptor: PropertyDescriptor): boolean {
    const parts = [
      ['value', descriptor.value],
      ['get', descriptor.get],
      ['set', descriptor.set],
    ] as const;
    const present = parts.filter(([, part]) => part !== undefined);
    return (
      present.length > 0 &&
      present.every(([slot, part]) => {
        if (typeof part !== 'function' || !this.#isOf(owner, part as object, key, slot)) return false;
        this.#members.set(part as object, { owner, isStatic, key, slot });
        return true;
      })
    );
  }

  #isOf(owner: object, part: object, key: string | symbol, slot: Member['slot']): boolean {
    const code = this.codeOf(part);
    const ownerCode = this.codeOf(owner);
    if (code === undefined || ownerCode === undefined || !isMethod(code.function)) return false;
    if (code.cell.id !== ownerCode.cell.id || code.function.parent !== ownerCode.function.index) return false;
    const shown = typeof key === 'string' ? key : `[${key.description ?? ''}]`;
    return functionName(part) === (slot === 'value' ? shown : `${slot} ${shown}`);
  }
}

function unknownAtHome({ type }: Registration): RefusalReason {
  return {
    what: `the codec of ${nameOf(type)} was registered in the cluster cell`,
    advice: 'register it in a cell that runs here',
  };
}

const SUPER: RefusalReason = {
  what: 'a method that uses super, apart from its object',
  advice: 'ship the object it belongs to',
};
const PRIVATE: RefusalReason = {
  what: 'a function that uses private names of a class around it, which cannot be told',
  advice: 'make it a method of that class, or give the class a name of its own',
};
const APART: RefusalReason = { what: 'a method apart from its class', advice: 'ship its class or an instance along' };

function refused(reason: RefusalReason): FunctionShape {
  return { kind: 'refused', reason };
}

function isMethod(code: FunctionCode): boolean {
  return code.kind === 'method' || code.kind === 'getter' || code.kind === 'setter';
}

const KEEP = 'keep what it needs in an object or in a name of the notebook';

function reasonAgainst(code: Code): RefusalReason | undefined {
  const { hiddenThis, hidesNames, assigned = [] } = code.function;
  const name = ownerName(code);
  const owner = name === '' ? 'the call that made it' : name;
  if (hidesNames === true)
    return {
      what: 'direct eval hides what the function needs',
      advice: 'name what it needs outside of the text',
    };
  if (hiddenThis === true)
    return {
      what: `an arrow function that uses \`arguments\`, \`super()\`, \`new.target\` or a hidden \`this\` of ${owner}`,
      advice: 'keep what it needs in a variable',
    };
  if (assigned.length === 0) return undefined;
  const names = assigned.map((variable) => `\`${variable}\``).join(', ');
  return {
    what: `its variable ${names} of ${owner} changes after it was set, where nothing can follow`,
    advice: KEEP,
  };
}

/** Is it the object that a function of its kind is born with? */
function isOwnPrototype(owner: object, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Reflect.getOwnPropertyDescriptor(value, 'constructor')?.value === owner) return true;
  // Generators have a prototype without constructor.
  return /^(async )?(function)?\s*\*/.test(textOfFunction(owner)) && Reflect.ownKeys(value).length === 0;
}

/** What a function shows as its name, whatever `name` was made to be. */
function functionName(value: object): string {
  const name: unknown = Reflect.getOwnPropertyDescriptor(value, 'name')?.value;
  return typeof name === 'string' && name !== '' ? name.replaceAll(MARK, '') : 'function';
}
