// V8's own words about a full heap are left out of a cell that ran out of memory, and of no other.
import { HeapReport } from '../../magics/heap-report';
import type { OutputRecord } from '../../magics/protocol/output';

const stderr = (text: string): OutputRecord => ({ type: 'stderr', text });
const PRINTED = [
  stderr('a warning\n\n<--- Last few GCs --->\n\n[24022:0xee9bf70] 354 ms: Mark-Compact\n'),
  stderr(' 1: 0xb78db3 node::OOMErrorHandler\n'),
  { type: 'stdout', text: 'last words\n' },
] as const;

function shown(records: readonly OutputRecord[], wasFull: boolean): string {
  const report = new HeapReport();
  const passed = records.flatMap((record) => report.pass(record) ?? []);
  return [...passed, ...report.rest(wasFull)].map((record) => ('text' in record ? record.text : '')).join('');
}

test('the report is left out, what the cell printed before and beside it is not', () => {
  expect(shown(PRINTED, true)).toBe('a warning\n\nlast words\n');
  expect(shown(PRINTED.slice(1), true)).toBe(' 1: 0xb78db3 node::OOMErrorHandler\nlast words\n');
});

test('the same words of a cell that did not run out of memory are shown when it has ended', () => {
  const all = shown(PRINTED, false);
  expect(all).toContain('<--- Last few GCs --->');
  expect(all).toContain('OOMErrorHandler');
});
