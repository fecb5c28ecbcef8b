// A WebAssembly file as a module: what it exports, with what it imports taken from the modules it names (as in the ES module integration).
import type { LocalSource } from '../protocol/bundle';
import { MAIN } from '../protocol/main-context';

type Instantiate = {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: unknown) => { readonly exports: object };
};

/** `text` of the source is base64. Throws WebAssembly's own errors. */
export function instantiateWasm({ text }: LocalSource, require: (specifier: string) => unknown): unknown {
  // The types of Node leave WebAssembly to those of browsers.
  const { Module, Instance } = Reflect.get(MAIN, 'WebAssembly') as Instantiate;
  const module = new Module(Buffer.from(text, 'base64'));
  const imports = Object.fromEntries(importedModules(module).map((name) => [name, require(name)]));
  const exports = Object.assign(new MAIN.Object(), new Instance(module, imports).exports);
  return Object.defineProperty(exports, '__esModule', { value: true });
}

/** The modules that a WebAssembly module imports from. */
export function importedModules(module: object): string[] {
  const { Module } = Reflect.get(MAIN, 'WebAssembly') as {
    readonly Module: { imports(module: object): readonly { readonly module: string }[] };
  };
  return [...new Set(Module.imports(module).map(({ module: name }) => name))];
}

/** The modules that the bytes of a WebAssembly module import from; none when they are no WebAssembly. */
export function modulesImportedBy(bytes: Uint8Array): string[] {
  const { Module } = Reflect.get(MAIN, 'WebAssembly') as Instantiate;
  try {
    return importedModules(new Module(bytes));
  } catch {
    // Evaluating it will say what is wrong, where the user sees it.
    return [];
  }
}
