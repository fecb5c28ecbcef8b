// The files of a job in the store: large ones of a job whose result is at home, and what a machine that stopped may have left.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JobStore } from '../../magics/jobs/store';
import { BUNDLE_FILE, ENVELOPE_FILE, OUTCOME_FILE } from '../../magics/protocol/layout';
import { LARGE_BYTES, sparePath } from '../../magics/protocol/spare';
import { specOf } from './setting';

test('large files of a delivered job are out of the way at once, kept for the next job, and gone with the next agent', () => {
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

test('an outcome whose text never reached the disk counts as not told', () => {
  const state = mkdtempSync(join(tmpdir(), 'cellburst-store-'));
  try {
    const store = new JobStore(state);
    const job = store.create(specOf(), Date.now());
    for (const left of ['', ' '.repeat(4096)]) {
      writeFileSync(join(job.directory, OUTCOME_FILE), left);
      expect(store.readEvidence(job)).toEqual({});
    }
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
});
