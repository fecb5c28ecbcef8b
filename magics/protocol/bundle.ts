// What a job is given: one container (container.ts) whose head is this, whose graph holds the values of the captured names.
// The text in it is the notebook's own; only a worker evaluates it, and a notebook that attaches to a job of its own.
import { ProtocolError } from './errors';
import type { CellCode } from './code';
import { isObject } from './shape';
import { parse, stringify } from './values';

/** Raised with every change of the head; the graph has a version of its own (graph-format.ts). */
export const BUNDLE_PROTOCOL = 3;

/** A local module as it is evaluated. */
export interface LocalSource {
  /** Absolute path of the file at home. */
  readonly path: string;
  /** `async`: CommonJS that awaits at its top level. */
  readonly format: 'commonjs' | 'async' | 'json' | 'wasm';
  /** Of WebAssembly, in base64. */
  readonly text: string;
  /** Source map v3 `mappings` from `text` to the file; '' where it is no code. */
  readonly mappings: string;
  /** Changes whenever the file does. */
  readonly version: string;
  /** Its own local imports: specifier → absolute path. */
  readonly links: Readonly<Record<string, string>>;
  /** Specifiers it requires that are packages or builtins. */
  readonly packages: readonly string[];
}

/** Everything that values need beside them. */
export interface CodePack {
  readonly cells: readonly CellCode[];
  /** Names of the graph's last roots, not counting codecs. */
  readonly names: readonly string[];
  /** Roots that are codecs which the code may come to need; the others, but the last ones, are values. */
  readonly codecs: readonly number[];
  /** Names that are assigned and never read: they have a binding, and no value has to travel. */
  readonly writeOnly: readonly string[];
  /** To be loaded before the values are made. */
  readonly modules: readonly string[];
  readonly files: readonly LocalSource[];
  /** What local specifiers in cells mean. */
  readonly links: Readonly<Record<string, string>>;
  /** The notebook's folder at home. */
  readonly directory: string;
  /** Of packages that the cell needs, by name: those of home. Absent: none. */
  readonly versions?: Readonly<Record<string, string>>;
}

export interface BundleHead {
  readonly protocol: typeof BUNDLE_PROTOCOL;
  readonly cell: CellCode;
  readonly pack: CodePack;
}

/** As it is written: the code of each cell is a text of its own, made once for all the bundles that the cell goes into. */
interface WrittenHead {
  readonly protocol: typeof BUNDLE_PROTOCOL;
  readonly cell: string;
  readonly pack: Omit<CodePack, 'cells'> & { readonly cells: readonly string[] };
}

const texts = new WeakMap<CellCode, string>();

function textOf(cell: CellCode): string {
  const known = texts.get(cell);
  if (known !== undefined) return known;
  const text = stringify(cell);
  texts.set(cell, text);
  return text;
}

export function toWritten(cell: CellCode, pack: CodePack): WrittenHead {
  return { protocol: BUNDLE_PROTOCOL, cell: textOf(cell), pack: { ...pack, cells: pack.cells.map(textOf) } };
}

/**
 * The head of a bundle. A bundle is read by a process of the same version and user as the one that wrote it, behind a digest:
 * only its form is checked here, not every field of the code.
 */
export function bundleHead(head: unknown): BundleHead {
  if (!isObject(head) || !isObject(head['pack'])) throw new ProtocolError('This is no bundle.');
  const { protocol, cell, pack } = head;
  if (protocol !== BUNDLE_PROTOCOL)
    throw new ProtocolError(`The bundle has version ${String(protocol)}, and this is version ${BUNDLE_PROTOCOL}.`);
  const { cells } = pack;
  if (typeof cell !== 'string' || !Array.isArray(cells)) throw new ProtocolError('This is no bundle.');
  // A cell that stands in both places is one cell.
  const read = new Map<unknown, CellCode>();
  const cellOf = (text: unknown): CellCode => {
    const known = read.get(text);
    if (known !== undefined) return known;
    const code = parse(String(text)) as CellCode;
    read.set(text, code);
    return code;
  };
  return { protocol, cell: cellOf(cell), pack: { ...pack, cells: cells.map(cellOf) } as unknown as CodePack };
}
