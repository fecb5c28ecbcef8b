// Jobs to look at, for the pictures of the documents: one of each kind, on clusters that nobody has, with nothing of this machine in it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobRecord, JobSpec } from '../../magics/protocol/job';
import { OUTPUT_FILE, SAMPLES_FILE } from '../../magics/protocol/layout';
import { encodeOutput } from '../../magics/protocol/output';
import type { UsageSamples } from '../../magics/protocol/samples';
import { encodeTasks, type TaskState } from '../../magics/protocol/tasks';
import type { GeneratedAgent } from './generated-agent';

export const SCENE_CONFIG = `clusters:
  hpc:
    scheduler: slurm
    account: physics
    defaults: { memory: 4GB, time: 1h }
`;

const HOUR_MS = 3_600_000;
const GIB = 1024;

/** Gives the jobs by name. */
export function setScene({ jobs }: GeneratedAgent): ReadonlyMap<string, JobRecord> {
  const now = Date.now();
  const all = new Map<string, JobRecord>();
  const make = (name: string, resources: JobSpec['resources']): JobRecord => {
    const origin = {
      client: 'kernel',
      pid: process.pid,
      directory: '/',
      notebook: 'study.ipynb',
      cellId: 'c2',
    } as const;
    const job = jobs.create({ name, summary: name, cluster: 'hpc', resources, environment: {}, origin });
    mkdirSync(job.directory, { recursive: true });
    all.set(name, job);
    return job;
  };
  const failed = make('fit-ridge', { cores: 4, memoryMiB: 8 * GIB });
  jobs.report(failed.id, {
    state: 'ended',
    explanation: { cause: 'out-of-memory', reason: 'It used 8 GB of the 8 GB it was granted.' },
  });
  const waits = make('preprocess', { cores: 16 });
  jobs.report(waits.id, { state: 'queued', reason: 'Waiting for free nodes.' });
  const sweep = make('sweep', { cores: 1, wallTimeSeconds: 3600 });
  jobs.report(sweep.id, { state: 'running', since: now - 723_000, tasks: encodeTasks(tasks()) });
  const train = make('train', { cores: 4, memoryMiB: 16 * GIB, gpus: 1, wallTimeSeconds: 7200 });
  writeFileSync(join(train.directory, SAMPLES_FILE), JSON.stringify(samples()));
  const lines = Array.from({ length: 14 }, (_none, epoch) => epochLine(epoch)).join('');
  writeFileSync(join(train.directory, OUTPUT_FILE), Buffer.concat(encodeOutput({ type: 'stdout', text: lines }, now)));
  jobs.report(train.id, { state: 'running', since: now - 1.03 * HOUR_MS, node: 'n03' });
  return all;
}

function tasks(): TaskState[] {
  return Array.from({ length: 10_000 }, (_none, index): TaskState => {
    if (index < 6100) return index % 1499 === 3 ? 'failed' : 'completed';
    return index < 6228 ? 'running' : 'queued';
  });
}

function samples(): UsageSamples {
  const steps = Array.from({ length: 90 }, (_none, step) => step);
  return {
    stepSeconds: 42,
    cores: steps.map((step) => 3.1 + 0.7 * Math.sin(step / 3) * Math.cos(step / 11)),
    memoryMiB: steps.map((step) => GIB * (2 + 9 * (1 - Math.exp(-step / 30)))),
    gpuPercent: steps.map((step) => 78 + 15 * Math.sin(step / 2)),
    gpuMemoryMiB: steps.map(() => 9.5 * GIB),
  };
}

function epochLine(epoch: number): string {
  const loss = (0.9 * Math.exp(-epoch / 9) + 0.21).toFixed(3);
  const seconds = (38 + (epoch % 3)).toFixed(1);
  return `\u001b[32mepoch ${String(epoch).padStart(2)}\u001b[0m  loss ${loss}  ${seconds} s\n`;
}
