// V8's own words about a full heap are left out of a cell whose job ran out of memory, and of no other.
import { HeapReport } from '../../magics/heap-report';
import type { JobStatus } from '../../magics/protocol/job';
import { jobRecord } from '../../magics/protocol/records';
import type { OutputRecord } from '../../magics/protocol/output';
import { specOf } from '../agent/setting';

const jobIn = (status: JobStatus) =>
  jobRecord(
    { id: '000001', spec: specOf(), status, directory: '/jobs', createdAt: 0, outputBytes: 0, droppedBytes: 0 },
    'a record',
  );
const FULL = jobIn({ state: 'failed', cause: 'out-of-memory', reason: 'It was' });
const DONE = jobIn({ state: 'completed', outcome: 'value' });

const stderr = (text: string): OutputRecord => ({ type: 'stderr', text });
const PRINTED = [
  stderr('a warning\n\n<--- Last few GCs --->\n\n[24022:0xee9bf70] 354 ms: Mark-Compact\n'),
  stderr(' 1: 0xb78db3 node::OOMErrorHandler\n'),
  { type: 'stdout', text: 'last words\n' },
] as const;

function shown(records: readonly OutputRecord[], end: typeof FULL): string {
  const report = new HeapReport();
  const passed = records.flatMap((record) => report.pass(record) ?? []);
  return [...passed, ...report.rest(end)].map((record) => ('text' in record ? record.text : '')).join('');
}

test('the report is left out, what the cell printed before and beside it is not', () => {
  expect(shown(PRINTED, FULL)).toBe('a warning\n\nlast words\n');
  expect(shown(PRINTED.slice(1), FULL)).toBe(' 1: 0xb78db3 node::OOMErrorHandler\nlast words\n');
});

test('the same words of a cell that did not run out of memory are shown when it has ended', () => {
  const all = shown(PRINTED, DONE);
  expect(all).toContain('<--- Last few GCs --->');
  expect(all).toContain('OOMErrorHandler');
});
