// The types of a WebAssembly file, read from its own sections, as the declaration file that TypeScript looks for beside it (`x.d.wasm.ts`).
// WebAssembly core specification 2.0, chapter 5 (binary format).
import { readFileSync, statSync } from 'node:fs';

const DECLARATION = /\.d\.wasm\.ts$/;

/** The WebAssembly file that a declaration file nobody wrote stands for. */
export function wasmBehind(declaration: string): string | undefined {
  if (!DECLARATION.test(declaration)) return undefined;
  const path = declaration.replace(DECLARATION, '.wasm');
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true ? path : undefined;
}

/** The declarations of the module at `path`; of none of it is said what cannot be read. */
export function declareWasm(path: string): string {
  try {
    return new WasmFile(readFileSync(path)).declarations();
  } catch (error) {
    // Newer binary formats, or no WebAssembly at all: loading it will tell.
    if (error instanceof RangeError) return 'declare const exports: any;\nexport = exports;\n';
    throw error;
  }
}

const SECTIONS = { type: 1, import: 2, function: 3, global: 6, export: 7 } as const;
const KINDS = ['function', 'table', 'memory', 'global'] as const;
const FUNCTION_TYPE = 0x60;
const HEADER_BYTES = 8;

interface Signature {
  readonly parameters: readonly string[];
  readonly results: readonly string[];
}

class WasmFile {
  readonly #bytes: Uint8Array;
  readonly #signatures: Signature[] = [];
  /** Index in #signatures, by number of the function. */
  readonly #functions: number[] = [];
  readonly #exports: string[] = [];
  #at = HEADER_BYTES;

  constructor(bytes: Uint8Array) {
    if (bytes[0] !== 0 || bytes[1] !== 0x61 || bytes[2] !== 0x73 || bytes[3] !== 0x6d)
      throw new RangeError('This is no WebAssembly.');
    this.#bytes = bytes;
  }

  declarations(): string {
    while (this.#at < this.#bytes.length) {
      const section = this.#byte();
      const end = this.#number() + this.#at;
      if (section === SECTIONS.type) this.#each(() => this.#signatures.push(this.#signature()));
      else if (section === SECTIONS.import) this.#each(() => this.#import());
      else if (section === SECTIONS.function) this.#each(() => this.#functions.push(this.#number()));
      else if (section === SECTIONS.export) this.#each((index) => this.#exports.push(this.#export(index)));
      this.#at = end;
    }
    return `${this.#exports.join('\n')}\nexport {};\n`;
  }

  #each(read: (index: number) => unknown): void {
    const count = this.#number();
    for (let index = 0; index < count; index++) read(index);
  }

  #signature(): Signature {
    if (this.#byte() !== FUNCTION_TYPE) throw new RangeError('A type that is no function.');
    const types = (): string[] => {
      const found: string[] = [];
      this.#each(() => found.push(this.#valueType()));
      return found;
    };
    return { parameters: types(), results: types() };
  }

  #import(): void {
    this.#name();
    this.#name();
    const kind = KINDS[this.#byte()];
    if (kind === 'function') this.#functions.push(this.#number());
    else if (kind === 'global') this.#at += 2;
    else if (kind === 'table') {
      this.#at += 1;
      this.#limits();
    } else if (kind === 'memory') this.#limits();
    else throw new RangeError('An import of an unknown kind.');
  }

  #export(index: number): string {
    const name = this.#name();
    const kind = KINDS[this.#byte()];
    const number = this.#number();
    const local = `export${index}`;
    return `${this.#declare(local, kind, number)} export { ${local} as ${JSON.stringify(name)} };`;
  }

  #declare(local: string, kind: (typeof KINDS)[number] | undefined, number: number): string {
    if (kind === 'memory') return `declare const ${local}: WebAssembly.Memory;`;
    if (kind === 'table') return `declare const ${local}: WebAssembly.Table;`;
    if (kind === 'global') return `declare const ${local}: WebAssembly.Global;`;
    const signature = this.#signatures[this.#functions[number] ?? -1];
    if (kind !== 'function' || !signature) throw new RangeError('An export of an unknown kind.');
    const parameters = signature.parameters.map((type, position) => `p${position}: ${type}`).join(', ');
    const [first = 'void', ...more] = signature.results;
    const result = more.length > 0 ? `[${signature.results.join(', ')}]` : first;
    return `declare function ${local}(${parameters}): ${result};`;
  }

  #limits(): void {
    const hasMaximum = (this.#byte() & 1) === 1;
    this.#number();
    if (hasMaximum) this.#number();
  }

  #valueType(): string {
    const type = this.#byte();
    if (type === 0x7f || type === 0x7d || type === 0x7c) return 'number';
    if (type === 0x7e) return 'bigint';
    if (type === 0x70) return '((...args: any[]) => any) | null';
    if (type === 0x6f) return 'any';
    throw new RangeError('A value type of a newer version.');
  }

  #name(): string {
    const length = this.#number();
    const text = Buffer.from(this.#bytes.subarray(this.#at, this.#at + length)).toString('utf8');
    this.#at += length;
    return text;
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new RangeError('The file ends too early.');
    return byte;
  }

  /** Unsigned LEB128. */
  #number(): number {
    let result = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#byte();
      result += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return result;
    }
  }
}
