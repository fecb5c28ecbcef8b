// Which packages a capture needs where it runs, and which versions of them are here.
import type { CellCode } from '../protocol/code';
import { isBuiltin } from 'node:module';
import type { CodePack } from '../protocol/bundle';
import type { CaptureReport } from '../protocol/capture';
import type { ModuleRoot } from '../protocol/environment';
import { isLocalSpecifier } from '../realm/local-sources';
import { versionOf } from '../realm/package-versions';
import type { Realm } from '../realm/realm';

/**
 * What the worker loads: what the cell itself imports, what any function that travels may import while it runs, what values refer to, and what local
 * modules ask for. Imports of earlier cells that nothing here uses are not among them.
 */
export function modulesOf(cell: CellCode, pack: CodePack): ModuleRoot[] {
  const kinds = new Map<string, ModuleRoot['kind']>();
  const add = (specifier: string, kind: ModuleRoot['kind']): void => {
    if (
      pack.links[specifier] !== undefined ||
      isLocalSpecifier(specifier) ||
      isBuiltin(specifier) ||
      isVirtual(specifier)
    )
      return;
    const known = kinds.get(specifier) ?? kind;
    kinds.set(specifier, known === kind ? kind : 'both');
  };
  for (const { specifier } of cell.imports) add(specifier, 'import');
  for (const { dynamicImports } of [cell, ...pack.cells])
    for (const specifier of dynamicImports) add(specifier, 'both');
  for (const { packages } of pack.files) for (const specifier of packages) add(specifier, 'both');
  for (const specifier of pack.modules) {
    const required = /^require:(.*)$/s.exec(specifier)?.[1];
    add(required ?? specifier, required === undefined ? 'import' : 'require');
  }
  return [...kinds]
    .map(([specifier, kind]) => ({ specifier, kind }))
    .sort((a, b) => (a.specifier < b.specifier ? -1 : 1));
}

function isVirtual(specifier: string): boolean {
  return specifier === 'cellburst' || specifier === 'tslab';
}

export function packagesOf(realm: Realm, modules: readonly ModuleRoot[]): CaptureReport['packages'] {
  const names = new Set(modules.map(({ specifier }) => packageName(specifier)));
  return [...names].sort().map((name) => {
    const version = versionOf(realm.directory, name);
    return version === undefined ? { name } : { name, version };
  });
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
