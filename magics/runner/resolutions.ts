// Where Node has found the modules of packages that were unpacked on this node. They never change, so what one cell has found the next need not look for:
// looking is most of the time that hundreds of small modules take to load. Node keeps it for `require` in one table of a process (`_pathCache` of
// node:module, from Node 0.4 to 24 at least): here it outlives the process.
import { realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import Module from 'node:module';
import { sep } from 'node:path';
import { ProtocolError } from '../protocol/errors';
import { readIfThere } from '../protocol/files';
import { isObject, mapOf, parseJson, record, text } from '../protocol/shape';
import { FOUND } from './scratch';

/** `found`: files by what was asked for and the folders to look in, as Node writes it. */
const shape = record({ node: text, found: mapOf(text) });

/** Of some hundred bytes each. */
const MOST = 50_000;

export interface Resolutions {
  /** For the next cell: with what this one has found besides. */
  readonly keep: () => void;
}

/** Tells Node what earlier cells have found below `root`, a folder of packages that is whole. */
export function recallResolutions(root: string): Resolutions {
  const table: unknown = Reflect.get(Module, '_pathCache');
  if (!isObject(table)) return { keep: () => undefined };
  const path = `${root}${FOUND}`;
  // What lies below it was looked for below it alone: Node goes from the inside out.
  const below = realpathSync(root) + sep;
  const known = Object.entries(read(path)).filter(([, file]) => file.startsWith(below));
  for (const [key, file] of known) table[key] = file;
  return {
    keep: () => {
      const found = Object.entries(table).filter(([, file]) => typeof file === 'string' && file.startsWith(below));
      if (found.length > known.length && found.length <= MOST) write(path, Object.fromEntries(found));
    },
  };
}

/** Nothing of another Node, which may look otherwise, nor of a file that was cut. */
function read(path: string): Readonly<Record<string, string>> {
  const source = readIfThere(path);
  if (source === undefined) return {};
  try {
    const { node, found } = parseJson(source, shape, path);
    return node === process.version ? found : {};
  } catch (error) {
    if (error instanceof ProtocolError) return {};
    throw error;
  }
}

function write(path: string, found: Readonly<Record<string, unknown>>): void {
  const part = `${path}.${process.pid}`;
  try {
    writeFileSync(part, JSON.stringify({ node: process.version, found }), { mode: 0o600 });
    renameSync(part, path);
  } catch {
    // A full disk, or one that may only be read: the next cell looks again, as this one did.
    rmSync(part, { force: true });
  }
}
