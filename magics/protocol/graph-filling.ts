// Fills a graph that has objects made by codecs. Such an object comes after all that hangs on what it is made of, and code that makes it may use names
// of the notebook: so records are filled in an order of their own, and names are bound as soon as their values are there.
import { CaptureError, messageOf, ProtocolError } from './errors';
import { inCodedOrder } from './graph-coded';
import type { ReadableGraph } from './graph-decode';
import { broken } from './graph-heads';
import { pathTo } from './graph-paths';
import { NotDecoded } from './graph-hooks';
import type { PathHooks } from './graph-paths';
import { parentsOf, scanGraph } from './graph-scan';
import type { Scan } from './graph-scan';
import type { ShellMaker } from './graph-shells';
import type { ValueReader } from './graph-values';

export interface RootNames {
  /** The roots whose names a piece of code uses. */
  rootsOfCode(code: string): readonly number[];
  bind(root: number, value: unknown): void;
  /** For paths in errors. */
  nameOf(root: number): string;
}

export interface Filling {
  readonly graph: ReadableGraph;
  readonly maker: ShellMaker;
  readonly from: ValueReader;
  readonly names: RootNames | undefined;
  /** Reads the body of a record, which comes next. */
  readonly fill: (record: number) => void;
}

/** Leaves the reader at the roots. Throws CaptureError, with the path, for an object of a bundle that its codec cannot make. */
export function fillWithCodecs(filling: Filling): void {
  const { graph, maker, from, names } = filling;
  const { base, changed } = graph;
  const scan = scanGraph(graph);
  const count = graph.columns.kinds.length;
  const fill = (record: number): void => {
    if (record >= count) throw broken(`there is no record ${record}`);
    from.seek(scan.positionOf(record));
    filling.fill(record);
  };
  const decode = (record: number): object => {
    try {
      return maker.decode(record);
    } catch (cause) {
      if (names === undefined || base > 0 || !(cause instanceof NotDecoded))
        throw new ProtocolError(messageOf(cause), { cause });
      throw new CaptureError([{ path: pathOf(record, scan, filling, names), ...cause.reason }], { cause });
    }
  };
  if (names !== undefined) bindWhatIsThere(scan, count, filling, names);
  const done = inCodedOrder({
    scan,
    base,
    recordOf: (number) => number - base + changed.length,
    rootsOfCode: (code) => names?.rootsOfCode(code) ?? [],
    fill,
    make: (record) => {
      // What this side has is told anew, not made.
      if (record < changed.length) return;
      const made = decode(record);
      fill(record);
      bindMade(scan, base + record - changed.length, made, names);
    },
    onCycle: () => {
      throw broken('objects need each other to be made');
    },
  });
  for (let record = 0; record < count; record++) if (record < changed.length || !done.has(record)) fill(record);
  from.seek(scan.positionOf(count));
}

/** Of an object that could not be made: found by what refers to it, for which something has to stand in its place. */
function pathOf(number: number, scan: Scan, { graph, maker, from, fill }: Filling, names: RootNames): string {
  const parents = parentsOf(scan, graph.objectCount);
  for (const record of scan.coded) maker.stand(record);
  for (let at = parents[number] ?? -1; at >= 0; at = parents[at] ?? -1) {
    from.seek(scan.positionOf(at));
    fill(at);
  }
  const rootNames = scan.roots.map((_, root) => names.nameOf(root));
  return pathTo(number, { objects: maker.objects, parents, roots: [], rootNames, hooks: NO_CODE });
}

/** Paths through bound functions are not told further. */
const NO_CODE: PathHooks = {
  describe: () => ({ kind: 'refused', reason: { what: '', advice: '' } }),
  nameOf: () => 'function',
};

function bindWhatIsThere(scan: Scan, count: number, { maker, from }: Filling, names: RootNames): void {
  from.seek(scan.positionOf(count));
  scan.roots.forEach((number, root) => {
    if (number < 0) names.bind(root, from.plain());
    else {
      from.skipReference();
      const value = maker.made(number);
      if (value !== undefined) names.bind(root, value);
    }
  });
}

function bindMade(scan: Scan, number: number, made: object, names: RootNames | undefined): void {
  if (names === undefined) return;
  scan.roots.forEach((other, root) => {
    if (other === number) names.bind(root, made);
  });
}
