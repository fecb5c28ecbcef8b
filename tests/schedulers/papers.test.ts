// What is written into a job's directory for nodes that are kept: the same for every system without a way into a running job.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobId } from '../../magics/protocol/job';
import { BatchPapers } from '../../magics/schedulers/batch-papers';
import { gridEngine } from '../../magics/schedulers/gridengine';
import { pbs } from '../../magics/schedulers/pbs';
import { slurm } from '../../magics/schedulers/slurm';

test.each([
  ['Slurm', slurm, false],
  ['Grid Engine', gridEngine, true],
  ['PBS', pbs, true],
] as const)(
  '%s: a key where the agent there has to call, readable by its owner alone, and in no script',
  (_, dialect, hasKey) => {
    const directory = mkdtempSync(join(tmpdir(), 'cellburst-papers-'));
    const papers = new BatchPapers({
      dialect,
      programs: { runner: '/programs/runner.js' },
      prologue: [],
      site: { parallelEnvironment: 'smp' },
    });
    const resources = { cores: 2, memoryMiB: 1000, wallTimeSeconds: 3600, gpus: 0 };
    const origin = { client: 'cli', pid: 1, directory: '/' } as const;
    const spec = {
      name: 'a',
      cluster: 'c',
      resources,
      environment: {},
      origin,
      summary: '',
      allocation: { keepSeconds: 60 },
    };
    try {
      const job = papers.write({ id: 'abc' as JobId, spec, directory }, 'cb0123456789');
      expect(existsSync(join(directory, 'key'))).toBe(hasKey);
      expect(job.command.slice(1)).toEqual(expect.arrayContaining(['--allocation', join(directory, 'orders.json')]));
      if (!hasKey) return;
      expect(statSync(join(directory, 'key')).mode & 0o777).toBe(0o600);
      const key = readFileSync(join(directory, 'key'), 'utf8').trim();
      for (const file of ['orders.json', 'submit.sh'])
        expect(readFileSync(join(directory, file), 'utf8')).not.toContain(key);
      // Submitted again after a lost answer: the same key, which a worker may have read.
      papers.write({ id: 'abc' as JobId, spec, directory }, 'cb0123456789');
      expect(readFileSync(join(directory, 'key'), 'utf8').trim()).toBe(key);
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);

test.each([
  ['Slurm', slurm],
  ['Grid Engine', gridEngine],
  ['PBS', pbs],
] as const)('%s: what a cell’s environment holds is in its orders, and on no command line', (_, dialect) => {
  const directory = mkdtempSync(join(tmpdir(), 'cellburst-papers-'));
  const programs = { runner: '/programs/runner.js' };
  const papers = new BatchPapers({ dialect, programs, prologue: [], site: { parallelEnvironment: 'smp' } });
  const spec = {
    name: 'a',
    cluster: 'c',
    resources: { cores: 1 },
    environment: { TOKEN: 'a-secret', 'odd-name': 'b-secret', NODE_OPTIONS: '--no-deprecation' },
    origin: { client: 'cli', pid: 1, directory: '/' },
    summary: '',
  } as const;
  try {
    const { command } = papers.write({ id: 'abc' as JobId, spec, directory }, 'cb0123456789');
    const script = readFileSync(join(directory, 'submit.sh'), 'utf8');
    for (const text of [script, command.join(' ')]) expect(text).not.toMatch(/[ab]-secret/);
    // Node reads it when it starts.
    expect(script).toContain('NODE_OPTIONS=--no-deprecation');
    const orders = JSON.parse(readFileSync(join(directory, 'orders.json'), 'utf8')) as unknown;
    expect(orders).toMatchObject({ environment: spec.environment });
  } finally {
    rmSync(directory, { recursive: true });
  }
});
