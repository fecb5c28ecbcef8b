// Records of what is no data: functions and classes, their variables, symbols.
import { types } from 'node:util';
import { PROXY } from './brands';
import { SELF, UNINITIALISED } from './graph-hooks';
import type { Activation, FunctionShape, RefusalReason } from './graph-hooks';
import { KIND, VARIABLE } from './graph-format';
import type { GraphWriter } from './graph-writer';
import { integrityOf } from './integrity';
import * as intrinsics from './intrinsics';

/** A reply carries no code: see Builder.fromSource. */
const MADE_THERE: RefusalReason = {
  what: 'a function that the cell made by `new Function`, and no text of a job is run here',
  advice: 'write the function in the cell',
};

export class CodeRecords {
  readonly #to: GraphWriter;

  constructor(writer: GraphWriter) {
    this.#to = writer;
  }

  symbol(value: symbol): void {
    const path = this.#to.hooks.pathOf(value);
    if (path !== undefined) {
      this.#to.byPath(path);
      return;
    }
    this.#to.kinds.push(KIND.symbol);
    const key = Symbol.keyFor(value);
    const text = key ?? value.description;
    this.#to.headInts.push(key !== undefined ? 2 : text === undefined ? 1 : 0);
    this.#to.headInts.push(this.#to.strings.id(text ?? ''));
  }

  activation(value: Activation): void {
    this.#to.kinds.push(KIND.activation);
    this.#to.headInts.push(this.#to.strings.id(value.portal));
    const parent = this.#to.hooks.parentOf(value);
    this.#to.headInts.push(parent === undefined ? -1 : this.#to.number(parent));
    this.#to.headInts.push(value.door === undefined ? -1 : this.#to.number(value.door));
    const { names } = value;
    const values = value.read();
    this.#to.headInts.push(names.length);
    names.forEach((name, index) => {
      this.#to.headInts.push(this.#to.strings.id(name));
      this.#variable(name, values[index]);
    });
    for (const variable of values) this.#to.value(variable);
  }

  #variable(name: string, value: unknown): void {
    const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
    if (value === UNINITIALISED) this.#to.headInts.push(VARIABLE.dead);
    else if (name === SELF && !isObject) {
      this.#to.headInts.push(VARIABLE.primitive);
      this.#to.headValue(value);
    } else this.#to.headInts.push(VARIABLE.usual);
  }

  function(value: object): void {
    const path = this.#to.hooks.pathOf(value);
    if (path !== undefined) {
      this.#to.byPath(path);
      return;
    }
    if (types.isProxy(value)) {
      this.#to.refuse(PROXY);
      return;
    }
    const shape = this.#to.hooks.describe(value);
    if (shape.kind === 'refused') this.#to.refuse(shape.reason);
    else if (shape.kind === 'source' && this.#to.isAnsweredAnew) this.#to.refuse(MADE_THERE);
    else if (shape.kind === 'member') this.#member(shape);
    else if (shape.kind === 'bound') this.#bound(value, shape);
    else this.#code(value, shape);
  }

  #code(value: object, shape: FunctionShape & { kind: 'function' | 'class' | 'source' }): void {
    const prototype = Reflect.getPrototypeOf(value);
    const superclass = shape.kind === 'class' ? (shape.superclass ?? null) : null;
    const usual =
      superclass ?? (intrinsics.FUNCTION_PROTOTYPES.has(prototype) ? prototype : intrinsics.FunctionPrototype);
    this.#to.begin(KIND[shape.kind], value, usual, true);
    if (shape.kind === 'source') this.#to.headInts.push(this.#to.strings.id(shape.text));
    else {
      this.#to.headInts.push(this.#to.strings.id(shape.code));
      this.#to.headInts.push(shape.activation === undefined ? -1 : this.#to.number(shape.activation));
      if (shape.kind === 'class') this.#classHead(superclass, shape.keys);
      else this.#to.headInts.push(shape.home === undefined ? -1 : this.#to.number(shape.home));
    }
    this.#to.extras(value, Reflect.ownKeys(value), integrityOf(value), true);
    this.#prototype(value);
  }

  /** What the code gives it may have been added to, or may be before the other side is done with it: it has a number of its own. */
  #prototype(value: object): void {
    const prototype: unknown = Reflect.getOwnPropertyDescriptor(value, 'prototype')?.value;
    if (typeof prototype !== 'object' || prototype === null) return;
    if (Reflect.getOwnPropertyDescriptor(prototype, 'constructor')?.value === value) this.#to.number(prototype);
  }

  #classHead(superclass: object | null, keys: readonly (string | symbol)[]): void {
    this.#to.headInts.push(superclass === null ? -1 : this.#to.number(superclass));
    this.#to.headInts.push(keys.length);
    for (const key of keys) this.#to.headValue(key);
  }

  #member(shape: FunctionShape & { kind: 'member' }): void {
    this.#to.kinds.push(KIND.member);
    this.#to.headInts.push(this.#to.number(shape.owner));
    this.#to.headInts.push(shape.isStatic ? 1 : 0);
    const { key } = shape;
    this.#to.headInts.push(typeof key === 'string' ? this.#to.strings.id(key) : -1);
    if (typeof key === 'symbol') this.#to.headInts.push(this.#to.number(key));
    this.#to.headInts.push(shape.slot === 'value' ? 0 : shape.slot === 'get' ? 1 : 2);
  }

  #bound(value: object, shape: FunctionShape & { kind: 'bound' }): void {
    this.#to.begin(KIND.bound, value, Reflect.getPrototypeOf(shape.target), true);
    this.#to.headInts.push(this.#to.number(shape.target));
    this.#to.headValue(shape.self);
    this.#to.headInts.push(shape.args.length);
    for (const argument of shape.args) this.#to.headValue(argument);
    this.#to.extras(value, Reflect.ownKeys(value), integrityOf(value), true);
  }
}
