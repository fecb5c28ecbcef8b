// Objects that travel by a codec are made from what they were encoded to, so everything that hangs on that has to be complete before: other coded
// objects first of all. This finds the order. Iterative, so a long chain costs no stack.
import type { Scan } from './graph-scan';

export interface CodedOrder {
  readonly scan: Scan;
  /** Objects below this number are there already. */
  readonly base: number;
  readonly recordOf: (number: number) => number;
  /** Roots by what a function's code names: they have to be complete before it can run. */
  readonly rootsOfCode: (code: string) => readonly number[];
  /** All that the record refers to can be had by now. */
  readonly fill: (record: number) => void;
  /** All that the coded object needs is filled. */
  readonly make: (record: number) => void;
  /** It needs itself to be made. */
  readonly onCycle: (record: number) => void;
}

interface Frame {
  /** The coded object that is wanted. */
  readonly record: number;
  readonly todo: number[];
  readonly seen: Set<number>;
}

/** Goes through all coded objects; each is made once, and every record that one of them needs is filled once. Gives the records that are done. */
export function inCodedOrder(order: CodedOrder): ReadonlySet<number> {
  const { scan, base, recordOf } = order;
  const coded = new Set(scan.coded);
  const done = new Set<number>();
  const open = new Set<number>();
  const enter = (record: number): Frame => {
    open.add(record);
    return { record, todo: Array.from(scan.edgesOf(record)), seen: new Set() };
  };
  for (const first of scan.coded) {
    if (done.has(first)) continue;
    const frames = [enter(first)];
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      const number = frame.todo.pop();
      if (number === undefined) {
        for (const record of frame.seen) if (!done.has(record)) order.fill(record);
        for (const record of frame.seen) done.add(record);
        order.make(frame.record);
        done.add(frame.record);
        open.delete(frame.record);
        frames.pop();
        continue;
      }
      if (number < base) continue;
      const record = recordOf(number);
      if (done.has(record) || frame.seen.has(record)) continue;
      if (open.has(record)) order.onCycle(record);
      else if (coded.has(record)) frames.push(enter(record));
      else {
        frame.seen.add(record);
        // One by one: an array of a million objects has a million edges.
        for (const edge of scan.edgesOf(record)) frame.todo.push(edge);
        for (const edge of rootsOf(record, order)) frame.todo.push(edge);
      }
    }
  }
  return done;
}

function rootsOf(record: number, { scan, rootsOfCode }: CodedOrder): number[] {
  const code = scan.codes.get(record);
  return code === undefined ? [] : rootsOfCode(code).map((root) => scan.roots[root] ?? -1);
}
