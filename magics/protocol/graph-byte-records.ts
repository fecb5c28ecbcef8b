// Records of array buffers and the views over them.
import { types } from 'node:util';
import { namedKeys } from './array-elements';
import { DETACHED, isDetached } from './brands';
import { INTEGRITY, KIND, VIEW_NAMES } from './graph-format';
import type { GraphWriter } from './graph-writer';
import { integrityOf } from './integrity';
import * as intrinsics from './intrinsics';
import { MAIN } from './main-context';

export class ByteRecords {
  readonly #to: GraphWriter;

  constructor(writer: GraphWriter) {
    this.#to = writer;
  }

  view(value: ArrayBufferView, brand: 'view' | 'dataView'): void {
    const isData = brand === 'dataView';
    const isNodeBuffer = !isData && intrinsics.isInChain(MAIN.Buffer.prototype, value);
    const name = isData ? 'DataView' : isNodeBuffer ? 'Buffer' : (intrinsics.viewName(value) ?? '');
    const index = VIEW_NAMES.indexOf(name as (typeof VIEW_NAMES)[number]);
    if (index < 0) {
      this.#to.refuse({ what: `${name} is not known here`, advice: 'copy it into another typed array' });
      return;
    }
    const buffer = (isData ? intrinsics.dataViewBuffer : intrinsics.viewBuffer)(value);
    if (!types.isSharedArrayBuffer(buffer) && isDetached(buffer)) {
      this.#to.refuse(DETACHED);
      return;
    }
    const offset = (isData ? intrinsics.dataViewOffset : intrinsics.viewOffset)(value);
    const length = (isData ? intrinsics.dataViewLength : intrinsics.viewLength)(value);
    const keys = isData ? Reflect.ownKeys(value) : namedKeys(value as Uint8Array);
    const integrity = integrityOf(value);
    const hasExtras = keys.length > 0 || integrity !== INTEGRITY.none;
    this.#to.begin(KIND.view, value, viewPrototype(name), hasExtras);
    const number = this.#to.number(buffer);
    const bytes = isData ? length : length * bytesPerElement(name);
    this.#to.buffers.cover(
      number,
      { offset, length: bytes },
      isNodeBuffer && buffer.byteLength === MAIN.Buffer.poolSize,
    );
    this.#to.headInts.push(index);
    this.#to.headInts.push(number);
    this.#to.headDoubles.push(offset);
    this.#to.headDoubles.push(length);
    if (hasExtras) this.#to.extras(value, keys, integrity);
  }

  buffer(value: ArrayBuffer, number: number, shared: boolean): void {
    if (Reflect.get(value, shared ? 'growable' : 'resizable') === true) {
      this.#to.refuse({ what: 'a buffer that can be resized', advice: 'copy it into one of fixed length' });
      return;
    }
    const keys = Reflect.ownKeys(value);
    const usual = shared ? MAIN.SharedArrayBuffer.prototype : MAIN.ArrayBuffer.prototype;
    const integrity = integrityOf(value);
    const hasExtras = keys.length > 0 || integrity !== INTEGRITY.none;
    this.#to.begin(KIND.buffer, value, usual, hasExtras);
    this.#to.buffers.add(number, value, shared, this.#to.changedBytes(number));
    if (hasExtras) this.#to.extras(value, keys, integrity);
  }
}

function bytesPerElement(name: string): number {
  return (Reflect.get(MAIN, name) as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1;
}

function viewPrototype(name: string): object {
  return (Reflect.get(MAIN, name) as { prototype: object }).prototype;
}
