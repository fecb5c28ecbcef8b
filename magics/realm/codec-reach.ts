// Which codecs a job may need beside those of objects that travel: a cell can make objects of any class that it, or a module it loads, knows.
import type { CellCode } from '../protocol/code';
import type { Registration } from './codecs';
import { nameOf } from './codecs';
import type { Describer } from './describing';
import { isLocalSpecifier } from './local-sources';
import { References } from './references';
import type { Realm } from './realm';

/** Codecs of classes whose module the cells or the values reach, or whose own cell travels. */
export function reachableCodecs(
  realm: Realm,
  describer: Describer,
  cells: readonly CellCode[],
): { readonly registration: Registration; readonly name: string }[] {
  if (realm.codecs.size === 0) return [];
  const modules = new Set([...describer.found.modules, ...cells.flatMap(importsOf)].map(bare));
  for (const source of realm.modules.localSources()) {
    // A module of one's own can hand out what its packages make.
    if ([...modules].some(isLocalSpecifier)) for (const specifier of source.packages) modules.add(bare(specifier));
  }
  return [...realm.codecs.registrations].flatMap((registration) => {
    const { type } = registration;
    const path = realm.references.pathOf(type);
    const specifier = path === undefined ? undefined : References.moduleOf(path);
    const code = path === undefined ? describer.codeOf(type) : undefined;
    const isReached =
      specifier === undefined ? code !== undefined && cells.includes(code.cell) : modules.has(bare(specifier));
    return isReached ? [{ registration, name: nameOf(type) }] : [];
  });
}

function importsOf(cell: CellCode): string[] {
  return [...cell.imports.map(({ specifier }) => specifier), ...cell.dynamicImports];
}

/** `require:lodash` and `lodash` are one package, and so are its paths: `lodash/fp`. */
function bare(specifier: string): string {
  const name = specifier.replace(/^require:/, '');
  if (isLocalSpecifier(name) || name.startsWith('node:')) return name;
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
}
