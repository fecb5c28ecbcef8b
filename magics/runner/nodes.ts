// The nodes of a job, in one form whatever batch system has granted them. A cell runs once, on the first; the list is for what it starts on the others.
import { readFileSync } from 'node:fs';
import { isMissing } from '../protocol/files';

type Environment = Readonly<Record<string, string | undefined>>;

/** Names of the nodes, each once, in the batch system's order; none where it tells of none. */
export function grantedNodes(env: Environment): readonly string[] {
  const slurm = env['SLURM_JOB_NODELIST'];
  if (slurm !== undefined) return expandNodeList(slurm);
  // Grid Engine, sge_pe(5): host, slots, queue, processors. PBS, qsub(1B): a host for each task.
  const path = env['PE_HOSTFILE'] ?? env['PBS_NODEFILE'];
  const lines = path === undefined ? [] : readLines(path);
  return [...new Set(lines.flatMap((line) => line.trim().split(/\s+/, 1)).filter((name) => name !== ''))];
}

function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

const MOST = 100_000;

/** `n[1-2,08-10],login3` as Slurm writes several names (sinfo(1), "hostlist"); each bracket is one place where numbers are put in. */
export function expandNodeList(list: string): readonly string[] {
  const words = list.match(/(?:[^,[\]]|\[[^\]]*\])+/g) ?? [];
  return words.flatMap((word) => expandWord(word)).slice(0, MOST);
}

function expandWord(word: string): readonly string[] {
  const [, before, inside, after] = /^([^[]*)\[([^\]]*)\](.*)$/.exec(word) ?? [];
  if (before === undefined || inside === undefined || after === undefined) return [word];
  const rest = expandWord(after);
  return inside
    .split(',')
    .flatMap((range) => numbers(range).flatMap((number) => rest.map((end) => before + number + end)));
}

function numbers(range: string): readonly string[] {
  const [, first = range, last = first] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? [];
  const count = Math.min(MOST, Number(last) - Number(first) + 1);
  return count > 0
    ? Array.from({ length: count }, (_, i) => String(Number(first) + i).padStart(first.length, '0'))
    : [range];
}
