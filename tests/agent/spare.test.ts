// What becomes of the large files of a job whose result is at home.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JobStore } from '../../magics/jobs/store';
import { BUNDLE_FILE, ENVELOPE_FILE } from '../../magics/protocol/layout';
import { LARGE_BYTES, sparePath } from '../../magics/protocol/spare';
import { specOf } from './setting';

test('they are out of the way at once, kept for the next job, and gone with the next agent', () => {
  const state = mkdtempSync(join(tmpdir(), 'cellburst-spare-'));
  try {
    const store = new JobStore(state);
    const job = store.create(specOf(), Date.now());
    const [bundle, envelope] = [join(job.directory, BUNDLE_FILE), join(job.directory, ENVELOPE_FILE)];
    writeFileSync(bundle, Buffer.alloc(LARGE_BYTES));
    writeFileSync(envelope, 'small');
    const problems: string[] = [];
    store.dropLarge(job, (line) => problems.push(line));
    expect(problems).toEqual([]);
    expect([bundle, envelope].map((path) => existsSync(path))).toEqual([false, true]);
    expect([bundle, envelope].map(sparePath).map((path) => existsSync(path))).toEqual([true, false]);

    expect(new JobStore(state).load().records.map(({ id }) => id)).toEqual([job.id]);
    expect(existsSync(sparePath(bundle))).toBe(false);
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
});
