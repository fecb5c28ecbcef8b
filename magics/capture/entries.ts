// What a capture consists of, in the user's words: the rows of `--dry-run`.
import { cellLabel } from '../protocol/code';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CodePack } from '../protocol/bundle';
import type { CaptureEntry, CaptureReport } from '../protocol/capture';
import { isLocalSpecifier } from '../realm/local-sources';
import type { Realm } from '../realm/realm';

export function entriesOf(realm: Realm, pack: CodePack): CaptureEntry[] {
  return pack.names.map((name) => {
    const value = realm.get(name);
    const path = typeof value === 'object' || typeof value === 'function' ? pathOf(realm, value) : undefined;
    const cell = realm.origin(name);
    return {
      name,
      kind: path === undefined ? kindOf(value) : 'import',
      bytes: path === undefined ? bytesOf(value) : 0,
      origin: path ?? (cell === undefined ? '' : cellLabel(cell.execution)),
    };
  });
}

function pathOf(realm: Realm, value: object | null): string | undefined {
  const path = value === null ? undefined : realm.references.pathOf(value);
  return path?.replace(/#.*$/, '');
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'function') {
    const isClass = /^class\b/.test(Function.prototype.toString.call(value));
    return `${isClass ? 'class' : 'function'} ${ownName(value)}`.trimEnd();
  }
  if (typeof value === 'string') return `string(${value.length})`;
  if (typeof value !== 'object') return typeof value;
  const name = className(value);
  if (Array.isArray(value)) return `${name}(${value.length})`;
  if (ArrayBuffer.isView(value) && 'length' in value) return `${name}(${String(value.length)})`;
  const size: unknown = name === 'Map' || name === 'Set' ? Reflect.get(value, 'size') : undefined;
  return typeof size === 'number' ? `${name}(${size})` : name;
}

function ownName(value: object): string {
  const name: unknown = Reflect.getOwnPropertyDescriptor(value, 'name')?.value;
  return typeof name === 'string' ? name : '';
}

/** By descriptors: no getter of the user's runs. */
function className(value: object): string {
  const prototype = Reflect.getPrototypeOf(value);
  const owner: unknown =
    prototype === null ? undefined : Reflect.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  return typeof owner === 'function' ? ownName(owner) || 'object' : 'object';
}

const WORD_BYTES = 8;

/** Of values whose size is plain; what hangs on an object is not counted here. */
function bytesOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (Array.isArray(value)) return value.length * WORD_BYTES;
  return WORD_BYTES;
}

export function packagesOf(realm: Realm, pack: CodePack): CaptureReport['packages'] {
  const imported = pack.cells.flatMap((cell) => cell.imports.map((entry) => entry.specifier));
  const required = pack.files.flatMap((file) => file.packages);
  const mapped = imported.filter((specifier) => !Object.hasOwn(pack.links, specifier));
  const specifiers = [...mapped, ...required, ...pack.modules.map((specifier) => specifier.replace(/^require:/, ''))];
  const names = new Set(specifiers.filter((specifier) => isPackage(specifier)).map(packageName));
  return [...names].sort().map((name) => {
    const version = versionOf(realm.directory, name);
    return version === undefined ? { name } : { name, version };
  });
}

function isPackage(specifier: string): boolean {
  const isBuiltin = specifier.startsWith('node:') || createRequire(__filename).resolve.paths(specifier) === null;
  return !isLocalSpecifier(specifier) && !isBuiltin && specifier !== 'cellburst' && specifier !== 'tslab';
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function versionOf(directory: string, name: string): string | undefined {
  for (let folder = directory; ; folder = dirname(folder)) {
    const version = readVersion(join(folder, 'node_modules', name, 'package.json'));
    if (version !== undefined || folder === dirname(folder)) return version;
  }
}

function readVersion(path: string): string | undefined {
  try {
    const manifest: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const version: unknown =
      typeof manifest === 'object' && manifest !== null ? Reflect.get(manifest, 'version') : undefined;
    return typeof version === 'string' ? version : undefined;
  } catch {
    // Not in this folder: the next one up may have it.
    return undefined;
  }
}
