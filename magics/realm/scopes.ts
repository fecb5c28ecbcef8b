// What only the inspector knows of a function: where it was made, the variables it closed over, what it is bound to, the private fields of an object.
// A session on the same thread answers Runtime calls synchronously, so nothing changes under the walk. It is open only while one captures: a standing
// session would keep the arguments of console.log alive.
import { Session } from 'node:inspector';
import { MAIN } from '../protocol/main-context';
import type { Settled } from '../protocol/graph';
import type { FunctionPlace } from './code-table';

const BOX = Symbol.for('cellburst.inspected');
const BOX_TEXT = 'globalThis[Symbol.for("cellburst.inspected")]';
const GROUP = 'cellburst';

interface RemoteObject {
  readonly objectId?: string;
  readonly value?: unknown;
}

interface InternalProperty {
  readonly name: string;
  readonly value?: RemoteObject;
}

/** Variables by name, innermost scope first. The objects are copies: writing to them changes nothing. */
export type Scopes = readonly object[];

export interface BoundParts {
  readonly target: object;
  readonly self: unknown;
  readonly args: readonly unknown[];
}

export class Inspection {
  #session: Session | undefined;
  readonly #places = new Map<object, FunctionPlace | undefined>();

  /** Where V8 says a function begins. */
  placeOf(value: object): FunctionPlace | undefined {
    if (this.#places.has(value)) return this.#places.get(value);
    const location: unknown = this.#internals(value).find(({ name }) => name === '[[FunctionLocation]]')?.value?.value;
    const place = toPlace(location);
    this.#places.set(value, place);
    return place;
  }

  scopesOf(value: object): Scopes {
    const scopes = this.#internals(value).find(({ name }) => name === '[[Scopes]]')?.value?.objectId;
    if (scopes === undefined) return [];
    const found = this.#fetch(
      scopes,
      'function () { const all = []; for (let i = 0; i in this; i++) all.push([this[i].description, this[i].object]); BOX.out = all; }',
    );
    const entries = Array.isArray(found) ? (found as [string, object][]) : [];
    // The list ends with what all scripts share.
    const end = entries.findIndex(([description]) => description === 'Script' || description === 'Global');
    return entries.slice(0, end < 0 ? entries.length : end).map(([, variables]) => variables);
  }

  boundParts(value: object): BoundParts | undefined {
    const internals = this.#internals(value);
    const target = this.#part(internals, '[[TargetFunction]]');
    if (typeof target !== 'function') return undefined;
    const args = internals.find((property) => property.name === '[[BoundArgs]]')?.value?.objectId;
    const list = args === undefined ? [] : this.#fetch(args, 'function () { BOX.out = Array.from(this); }');
    return { target, self: this.#part(internals, '[[BoundThis]]'), args: list as unknown[] };
  }

  /** Of a Promise; undefined while it is pending. */
  settled(promise: object): Settled | undefined {
    const internals = this.#internals(promise);
    const state = this.#part(internals, '[[PromiseState]]');
    if (state !== 'fulfilled' && state !== 'rejected') return undefined;
    return { state, value: this.#part(internals, '[[PromiseResult]]') };
  }

  /** Names of the private fields that an object has, as they are written: `#secret`. */
  privateNames(value: object): string[] {
    const id = this.#remote(value);
    const answer = this.#ask('Runtime.getProperties', { objectId: id, ownProperties: true });
    const found: unknown = Reflect.get(answer, 'privateProperties');
    return Array.isArray(found) ? found.map((property: { name: string }) => property.name) : [];
  }

  close(): void {
    if (this.#session === undefined) return;
    this.#ask('Runtime.releaseObjectGroup', { objectGroup: GROUP });
    this.#session.disconnect();
    this.#session = undefined;
    this.#places.clear();
    Reflect.deleteProperty(MAIN, BOX);
  }

  /** Objects and symbols as they are, primitives as the inspector describes them (-0, BigInt). */
  #part(internals: readonly InternalProperty[], name: string): unknown {
    const remote = internals.find((property) => property.name === name)?.value;
    if (remote?.objectId !== undefined)
      return this.#fetch(remote.objectId, 'function () { "use strict"; BOX.out = this; }');
    const text: unknown = remote === undefined ? undefined : Reflect.get(remote, 'unserializableValue');
    if (typeof text !== 'string')
      return remote !== undefined && Reflect.get(remote, 'subtype') === 'null' ? null : remote?.value;
    return text.endsWith('n') ? BigInt(text.slice(0, -1)) : Number(text);
  }

  #internals(value: object): readonly InternalProperty[] {
    const answer = this.#ask('Runtime.getProperties', { objectId: this.#remote(value), ownProperties: true });
    const found: unknown = Reflect.get(answer, 'internalProperties');
    return Array.isArray(found) ? (found as InternalProperty[]) : [];
  }

  #box(): { in?: unknown; out?: unknown } {
    const known: unknown = Reflect.get(MAIN, BOX);
    if (known !== undefined) return known as object;
    const box = {};
    Object.defineProperty(MAIN, BOX, { value: box, configurable: true });
    return box;
  }

  #remote(value: object): string {
    const box = this.#box();
    box.in = value;
    const answer = this.#ask('Runtime.evaluate', { expression: `${BOX_TEXT}.in`, objectGroup: GROUP });
    delete box.in;
    const id = (Reflect.get(answer, 'result') as RemoteObject).objectId;
    if (id === undefined) throw new TypeError('The inspector knows no such object.');
    return id;
  }

  /** Real references, fetched by a function that runs on the inspected object and puts what it finds into the box. */
  #fetch(objectId: string, functionText: string): unknown {
    const box = this.#box();
    this.#ask('Runtime.callFunctionOn', { objectId, functionDeclaration: functionText.replaceAll('BOX', BOX_TEXT) });
    const { out } = box;
    delete box.out;
    return out;
  }

  #ask(method: string, parameters: object): object {
    if (this.#session === undefined) {
      this.#session = new Session();
      this.#session.connect();
    }
    const answers: { readonly error: Error | null; readonly result: object | undefined }[] = [];
    this.#session.post(method, parameters, (error: Error | null, result?: object) => {
      answers.push({ error, result });
    });
    const [answer] = answers;
    if (answer?.result === undefined)
      throw new Error(`The inspector gave no answer to ${method}.`, { cause: answer?.error });
    return answer.result;
  }
}

function toPlace(location: unknown): FunctionPlace | undefined {
  if (typeof location !== 'object' || location === null) return undefined;
  const scriptId: unknown = Reflect.get(location, 'scriptId');
  const line: unknown = Reflect.get(location, 'lineNumber');
  const column: unknown = Reflect.get(location, 'columnNumber');
  if (typeof scriptId !== 'string' || typeof line !== 'number' || typeof column !== 'number') return undefined;
  return { scriptId, line, column };
}
