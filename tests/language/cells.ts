// Runs lowered cells as a realm would: one script-scope `let` per notebook name, the runtime names as globals, cells evaluated as scripts.
import * as vm from 'node:vm';
import * as tslib from 'tslib';
import { lowerCell } from '../../language/lowering/lower';
import { maskMagics } from '../../language/mask';
import {
  EMIT_HELPERS,
  RUNTIME,
  mangle,
  scriptName,
  type CellCode,
  type CellContext,
  type DeclarationKind,
} from '../../magics/protocol/code';

export interface Outcome {
  readonly value: unknown;
  readonly hasValue: boolean;
  readonly progress: number;
}

export type Form = 'local' | 'shipped';

/** A notebook whose cells run in a context of their own. Modules are given by the test. */
export class TestNotebook {
  readonly context: vm.Context;
  readonly cells: CellCode[] = [];
  readonly modules: Record<string, unknown>;
  readonly #known = new Map<string, DeclarationKind>();
  readonly #form: Form;

  constructor(form: Form = 'local', modules: Record<string, unknown> = {}) {
    this.#form = form;
    this.modules = modules;
    this.context = vm.createContext({ console, setTimeout, clearTimeout, setImmediate, process, logged: [] });
    const helpers = Object.fromEntries(EMIT_HELPERS.map((name) => [name, (tslib as Record<string, unknown>)[name]]));
    Object.assign(this.context, helpers);
    this.#provideRuntime();
  }

  /** Lowers without running. */
  lower(source: string, extension = '.ts'): CellCode {
    const execution = this.cells.length + 1;
    const typeOnly = new Set<string>();
    return lowerCell({ source, masked: maskMagics(source), execution, extension, known: this.#known, typeOnly });
  }

  async run(source: string, extension = '.ts'): Promise<unknown> {
    return (await this.outcome(source, extension)).value;
  }

  async outcome(source: string, extension = '.ts'): Promise<Outcome> {
    const code = this.lower(source, extension);
    this.cells.push(code);
    for (const { name } of code.declarations) this.#declare(name);
    const script = new vm.Script(code[this.#form].text, { filename: scriptName(code) });
    const cell = script.runInContext(this.context) as (context: CellContext) => unknown;
    const context: CellContext = {
      modules: code.imports.map(({ specifier }) => this.modules[specifier]),
      meta: { url: 'file:///notebook/cell' },
      load: (specifier) => Promise.resolve(this.modules[String(specifier)]),
      require: (specifier: string) => this.modules[specifier],
      module: { exports: {} },
      filename: '/notebook/cell.ts',
      dirname: '/notebook',
    };
    let progress: number;
    try {
      const result = cell(context);
      if (code.isAsync) await result;
    } finally {
      progress = context.progress?.() ?? 0;
      for (const { name, kind, step } of code.declarations) if (step < progress) this.#known.set(name, kind);
    }
    return { value: context.value, hasValue: 'value' in context, progress };
  }

  /** The value of a notebook name, read from outside. */
  get(name: string): unknown {
    return vm.runInContext(mangle(name), this.context);
  }

  #declare(name: string): void {
    const exists = vm.runInContext(
      `(() => { try { ${mangle(name)}; return true } catch { return false } })()`,
      this.context,
    ) as boolean;
    if (!exists) vm.runInContext(`let ${mangle(name)};`, this.context);
  }

  #provideRuntime(): void {
    const { stop, throw: throwName, awaited, epoch, has, dead, constant, revive } = RUNTIME;
    vm.runInContext(
      `
      for (const name of ['dispose', 'asyncDispose'])
        if (!Symbol[name]) Object.defineProperty(Symbol, name, { value: Symbol.for('nodejs.' + name) });
      globalThis[${JSON.stringify(stop)}] = false;
      globalThis[${JSON.stringify(epoch)}] = 0;
      const accesses = new Map();
      globalThis[${JSON.stringify(revive)}] = { on: false, register: (owner, access) => { accesses.set(owner, access) }, accesses, key: (value) => (typeof value === 'symbol' ? value : String(value)), keyed: () => {} };
      class KeyboardInterrupt extends Error {}
      KeyboardInterrupt.prototype.name = 'KeyboardInterrupt';
      globalThis[${JSON.stringify(throwName)}] = () => { throw new KeyboardInterrupt('interrupted') };
      globalThis[${JSON.stringify(awaited)}] = (noted, value) => { if (noted !== ${epoch}) ${throwName}(); return value };
      globalThis[${JSON.stringify(has)}] = (name) => known(name);
      globalThis[${JSON.stringify(dead)}] = (name) => { throw new ReferenceError("Cannot access '" + name + "' before initialization") };
      globalThis[${JSON.stringify(constant)}] = () => { throw new TypeError('Assignment to constant variable.') };
      `,
      Object.assign(this.context, { known: (name: string) => this.#known.has(name) }),
    );
  }
}
