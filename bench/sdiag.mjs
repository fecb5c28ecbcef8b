// How often a thousand waiting jobs have Slurm's controller asked, by its own count.
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startOurs, startReady } from './kernels.mjs';
import { startSlurm } from './slurm.mjs';

const run = promisify(execFile);

/** Questions about jobs, and what a command asks beside (squeue looks up all partitions each time); what submits, changes, starts or ends jobs is none. */
const QUESTIONS =
  /^REQUEST_(?:JOB_INFO|JOB_INFO_SINGLE|JOB_USER_INFO|JOB_READY|JOB_ALLOCATION_INFO|HET_JOB_ALLOC_INFO|JOB_STEP_INFO)$/;
const LOOKUPS = /^REQUEST_(?:PARTITION_INFO|FED_INFO|NODE_INFO)$/;

/**
 * @param {import('./row.mjs').Bench} bench
 * @param {{ jobs: number, seconds: number, tell: (line: string) => void }} size
 */
export async function countQuestions(bench, { jobs, seconds, tell }) {
  const slurm = await startSlurm(bench);
  const kernel = await startReady({ ...bench, environment: slurm.environment }, startOurs);
  for (let n = 0; n < jobs; n++) {
    await kernel.run("%%cluster slurm --detach --native '--begin=now+10hours'\n1");
    if ((n + 1) % 100 === 0) tell(`${n + 1} jobs are submitted`);
  }
  const waiting = (await run('squeue', ['-h', '-r', '-t', 'pending', '-o', '%A'], { env: slurm.environment })).stdout;
  if (waiting.trim().split('\n').length !== jobs) throw new Error('Not all jobs wait.');
  const before = await countRpcs(slurm.environment);
  tell(`counting for ${seconds} s`);
  await sleep(seconds * 1000);
  const after = await countRpcs(slurm.environment);
  await run('scancel', ['--state=pending', '--user=root'], { env: slurm.environment });
  const grown = [...after]
    .map(([name, count]) => [name, count - (before.get(name) ?? 0)])
    .filter(([, count]) => count > 0);
  const sum = (pattern) => grown.filter(([name]) => pattern.test(name)).reduce((total, [, count]) => total + count, 0);
  return { questions: sum(QUESTIONS), lookups: sum(LOOKUPS), all: Object.fromEntries(grown) };
}

async function countRpcs(env) {
  const { stdout } = await run('sdiag', [], { env });
  const [byType = ''] = stdout.split('Remote Procedure Call statistics by user');
  const rows = byType.matchAll(/^\s+(\w+)\s+\(\s*\d+\) count:(\d+)/gm);
  return new Map([...rows].map(([, name, count]) => [name, Number(count)]));
}
