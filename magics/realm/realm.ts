// Where cells are evaluated, at home and on a worker. A cell is one function; its names are script-scope variables; its modules are loaded before it
// runs. The main context has one script scope, so a process has one Realm that counts.
import * as tslib from 'tslib';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { cellLabel, EMIT_HELPERS, RUNTIME, scriptName } from '../protocol/code';
import type { CellCode, CellContext, Declaration } from '../protocol/code';
import type { Activation } from '../protocol/graph';
import { MAIN } from '../protocol/main-context';
import { environmentOf } from './activations';
import { bindingOf } from './bindings';
import { CodeTable } from './code-table';
import { Codecs } from './codecs';
import { installFrames, mapScript, placePackages, withoutMarks } from './frames';
import { KeyboardInterrupt, installInterrupts } from './interrupts';
import { DiskSources } from './local-sources';
import type { LocalSources } from './local-sources';
import { importMeta } from './import-meta';
import { Modules } from './modules';
import type { Exports } from './modules';
import { installRevival } from './private-fields';
import { References } from './references';
import { makeThreads } from './threads';

export interface RealmOptions {
  /** Absolute: the notebook's folder, where modules are resolved. */
  readonly directory: string;
  /** Which of a cell's two texts to run: with interrupt checks at home, without on a worker. */
  readonly text: 'local' | 'shipped';
  /** Exports of 'cellburst' and 'tslab'. */
  readonly virtualModules?: Readonly<Record<string, Exports>>;
  /** A folder that stands for the root of the notebook's machine, where its packages lie; without it they are found from `directory`. */
  readonly packages?: string;
  /** What to do about a package that is not there. */
  readonly missingAdvice?: string;
  /** Where local modules come from; the disk, if not given. */
  readonly sources?: LocalSources;
  /** Of worker threads on local modules; see ThreadSetting. */
  readonly threadProgram?: string;
}

/** How a cell ended. What it threw is a value, and no error of ours. */
export type CellRun =
  | { readonly ok: true; readonly hasValue: boolean; readonly value: unknown; readonly progress: number }
  | { readonly ok: false; readonly error: unknown; readonly progress: number };

export interface ClassMember {
  readonly isStatic: boolean;
  readonly key: string | symbol;
  readonly descriptor: PropertyDescriptor;
}

interface RunningCell {
  readonly code: CellCode;
  readonly context: CellContext;
}

const HIDDEN_FILE = 'notebook.ts';

export class Realm {
  readonly directory: string;
  readonly text: 'local' | 'shipped';
  readonly packages: string | undefined;
  readonly modules: Modules;
  readonly sources: LocalSources;
  readonly codes = new CodeTable();
  readonly references = new References();
  readonly codecs = new Codecs(this.references);
  /** Of functions that were built here: the scope they were built in. */
  readonly activations = new WeakMap<object, Activation>();
  /** Of scopes that were built here: their activations, by what stands for the portal. */
  readonly portals = new WeakMap<object, Activation>();
  readonly #environments = new WeakMap<Activation, object>();
  /** Of classes that were built here: their methods and accessors as the text gives them. */
  readonly members = new WeakMap<object, readonly ClassMember[]>();
  /** Names bound so far, with the cell that declared each last. */
  readonly #names = new Map<string, CellCode | undefined>();
  readonly #running = new Set<RunningCell>();

  constructor(options: RealmOptions) {
    this.directory = options.directory;
    this.text = options.text;
    const { directory, packages, missingAdvice, threadProgram } = options;
    this.packages = packages;
    this.sources = options.sources ?? new DiskSources();
    const packagesOptions = {
      ...(packages === undefined ? {} : { packages }),
      ...(missingAdvice === undefined ? {} : { missingAdvice }),
    };
    const threads = makeThreads({
      directory,
      ...packagesOptions,
      sources: this.sources,
      ...(threadProgram === undefined ? {} : { program: threadProgram }),
    });
    this.modules = new Modules({
      directory,
      ...packagesOptions,
      virtual: { ...options.virtualModules, worker_threads: threads, 'node:worker_threads': threads },
      sources: this.sources,
      onLoad: (specifier, exports) => {
        this.references.addModule(specifier, exports);
      },
    });
    installInterrupts();
    installRevival();
    installFrames();
    if (options.packages !== undefined) placePackages(options.packages);
    this.#installRuntime();
    if (options.text === 'local') this.references.states.watchLanguage();
  }

  /**
   * Loads the cell's modules and runs it. Synchronous cells run in one go, within the first turn after their modules are loaded.
   * When `signal` is aborted the cell counts as interrupted; its code is ended by the checks and epochs of interrupts.ts.
   */
  async run(code: CellCode, signal?: AbortSignal): Promise<CellRun> {
    let cell: RunningCell | undefined;
    try {
      this.sources.follow?.(code.project);
      if (code.memoryModule !== undefined) this.sources.hold?.(join(this.directory, code.memoryModule), code.source);
      const evaluate = this.#compile(code);
      const modules = [];
      for (const { specifier, attributes } of code.imports)
        modules.push(await this.modules.load(specifier, attributes));
      cell = { code, context: this.#context(modules) };
      this.#declare(code.declarations);
      this.#running.add(cell);
      const returned = evaluate(cell.context);
      if (code.isAsync) await untilAborted(returned, signal);
      return this.#finished(cell);
    } catch (error) {
      return { ok: false, error: shown(error), progress: cell === undefined ? 0 : this.#settle(cell) };
    } finally {
      if (cell !== undefined) this.#running.delete(cell);
    }
  }

  /**
   * Ends a cell whose `run` will never return: its stack was taken down by a termination, or it waits for ever for a module. What it
   * initialised stays. Gives how far it came.
   */
  abandon(code: CellCode): number {
    for (const cell of this.#running) {
      if (cell.code !== code) continue;
      this.#running.delete(cell);
      return this.#settle(cell);
    }
    return 0;
  }

  /** Is this a notebook name by now? */
  has(name: string): boolean {
    if (this.#names.has(name)) return true;
    for (const { code, context } of this.#running) {
      const declared = code.declarations.find((declaration) => declaration.name === name);
      if (declared !== undefined && isInitialised(declared, context.progress?.() ?? 0)) return true;
    }
    return false;
  }

  get(name: string): unknown {
    return bindingOf(name).get();
  }

  /** Binds a name from outside: a capture on a worker, or what a job brought home. */
  bind(name: string, value: unknown, declaredBy?: CellCode): void {
    bindingOf(name).set(value);
    this.#names.set(name, declaredBy ?? this.#names.get(name));
  }

  /** Forgets names, all by default: what they held can be collected. Tells which there were. */
  forget(wanted: readonly string[] = this.names()): string[] {
    const known = wanted.filter((name) => this.#names.has(name));
    for (const name of known) {
      bindingOf(name).set(undefined);
      this.#names.delete(name);
    }
    return known;
  }

  names(): string[] {
    return [...this.#names.keys()];
  }

  /** The cell that declared a name last, where it is known. */
  origin(name: string): CellCode | undefined {
    return this.#names.get(name);
  }

  /** Makes the code of a cell known that did not run here: its functions can be built, its frames are shown. */
  addCode(code: CellCode): void {
    mapScript(scriptName(code), cellLabel(code.execution), code[this.text].mappings);
    this.codes.add(code, this.text);
  }

  /** The variables of an activation for functions that are built in it later on. */
  environmentOf(activation: Activation): object {
    const known = this.#environments.get(activation);
    if (known !== undefined) return known;
    const environment = environmentOf(activation);
    this.#environments.set(activation, environment);
    return environment;
  }

  noteMembers(owner: object): void {
    const members: ClassMember[] = [];
    const prototype: unknown = Reflect.getOwnPropertyDescriptor(owner, 'prototype')?.value;
    for (const [holder, isStatic] of [
      [owner, true],
      [prototype, false],
    ] as const) {
      if ((typeof holder !== 'object' && typeof holder !== 'function') || holder === null) continue;
      for (const key of Reflect.ownKeys(holder)) {
        const descriptor = Reflect.getOwnPropertyDescriptor(holder, key);
        if (descriptor !== undefined) members.push({ isStatic, key, descriptor });
      }
    }
    this.members.set(owner, members);
  }

  /** What functions get as their cell's context when they are built outside of it. */
  contextOfCode(): CellContext {
    return this.#context([]);
  }

  #compile(code: CellCode): (context: CellContext) => unknown {
    const emit = code[this.text];
    const filename = scriptName(code);
    mapScript(filename, cellLabel(code.execution), emit.mappings);
    const script = new Script(emit.text, { filename });
    const evaluate = script.runInThisContext() as (context: CellContext) => unknown;
    this.codes.add(code, this.text, evaluate);
    return evaluate;
  }

  #declare(declarations: readonly Declaration[]): void {
    for (const { name } of declarations) bindingOf(name);
  }

  #context(modules: readonly unknown[]): CellContext {
    const context: CellContext = {
      modules,
      meta: importMeta(join(this.directory, HIDDEN_FILE)),
      load: (specifier, options) => this.#load(specifier, options),
      require: this.modules.require,
      module: Object.assign(new MAIN.Object(), { exports: new MAIN.Object() }),
      filename: `${this.directory}/${HIDDEN_FILE}`,
      dirname: this.directory,
    };
    return context;
  }

  async #load(specifier: unknown, options: unknown): Promise<unknown> {
    const attributes: unknown =
      typeof options === 'object' && options !== null ? Reflect.get(options, 'with') : undefined;
    return this.modules.load(String(specifier), attributes as Readonly<Record<string, string>> | undefined);
  }

  #finished(cell: RunningCell): CellRun {
    const progress = this.#settle(cell);
    return { ok: true, hasValue: 'value' in cell.context, value: cell.context.value, progress };
  }

  /** Makes the names that were initialised the notebook's. Gives how far the cell came. */
  #settle({ code, context }: RunningCell): number {
    const progress = context.progress?.() ?? 0;
    for (const declaration of code.declarations) {
      if (isInitialised(declaration, progress)) this.#names.set(declaration.name, code);
    }
    return progress;
  }

  #installRuntime(): void {
    const runtime: Readonly<Record<string, unknown>> = {
      [RUNTIME.has]: (name: string) => this.has(name),
      [RUNTIME.dead]: (name: string) => {
        throw new MAIN.ReferenceError(`Cannot access '${name}' before initialization`);
      },
      [RUNTIME.constant]: () => {
        throw new MAIN.TypeError('Assignment to constant variable.');
      },
      ...Object.fromEntries(EMIT_HELPERS.map((name) => [name, tslib[name]])),
    };
    for (const [name, value] of Object.entries(runtime)) {
      Object.defineProperty(MAIN, name, { value, writable: true, configurable: true });
    }
  }
}

function isInitialised(declaration: Declaration, progress: number): boolean {
  return progress > declaration.step;
}

async function untilAborted(work: unknown, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) {
    await work;
    return;
  }
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => {
      reject(new KeyboardInterrupt());
    };
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    if (abort !== undefined) signal.removeEventListener('abort', abort);
  }
}

/** V8's messages name the mangled bindings; the marks are taken out where the error leaves the cell. */
function shown(error: unknown): unknown {
  if (typeof error !== 'object' || error === null) return error;
  const message = Object.getOwnPropertyDescriptor(error, 'message');
  if (message?.configurable !== true || typeof message.value !== 'string') return error;
  const plain = withoutMarks(message.value);
  if (plain !== message.value) Object.defineProperty(error, 'message', { ...message, value: plain });
  return error;
}
