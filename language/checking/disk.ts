// What the compiler reads of the disk: each version of a file once.
import { statSync } from 'node:fs';
import { ts } from '../compiler';
import { declareWasm, wasmBehind } from './wasm';

/** The language service asks for every file of the program each time; nothing is read twice. */
export function snapshotsOfDisk(versionOf: (name: string) => string): (name: string) => ts.IScriptSnapshot | undefined {
  const read = new Map<string, { readonly version: string; readonly snapshot: ts.IScriptSnapshot }>();
  return (name) => {
    const version = versionOf(name);
    const known = read.get(name);
    if (known?.version === version) return known.snapshot;
    const wasm = wasmBehind(name);
    const text = wasm === undefined || ts.sys.fileExists(name) ? ts.sys.readFile(name) : declareWasm(wasm);
    if (text === undefined) return undefined;
    const snapshot = ts.ScriptSnapshot.fromString(text);
    read.set(name, { version, snapshot });
    return snapshot;
  };
}

/** Installed packages and the library do not change under us; a local file may, between two cells. */
export function diskVersion(name: string): string {
  if (/\/node_modules\/|\/Cell \[\d+\]\.|\[cellburst\]\.d\.ts$/.test(name)) return '1';
  const written = wasmBehind(name) ?? name;
  return String(statSync(written, { throwIfNoEntry: false })?.mtimeMs ?? 0);
}
