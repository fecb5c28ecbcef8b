// `%cluster jobs ID`: what was asked for, how its environment came to be, and where it ran, with what differs from the machine of the notebook: a number that came
// out otherwise has its reason there more often than in the code.
import { showBytes, showDuration, showMemory } from './config/quantities';
import { clusterLabel, type JobRecord } from './protocol/job';
import { SEED_VARIABLE, type Machine } from './protocol/run';
import { showTable, stateInWords, type Shown } from './show';

export function showJob(job: JobRecord, now: number): Shown {
  const { spec, ranOn, usage, packages } = job;
  const { resources, origin, container } = spec;
  const seed = spec.environment[SEED_VARIABLE];
  const rows = [
    ['state', stateInWords(job.status, now)],
    ['cluster', [clusterLabel(spec.cluster), job.nativeId, job.path].filter(Boolean).join(', ')],
    ['asked for', askedFor(resources)],
    ...(usage === undefined
      ? []
      : [['used', `${showMemory(usage.peakMemoryMiB)} at most, ${showDuration(usage.cpuSeconds)} of CPU time`]]),
    ...(packages === undefined ? [] : [['packages', describePackages(packages)]]),
    ...(container === undefined ? [] : [['image', container.image]]),
    ...(seed === undefined ? [] : [['seed', seed]]),
    ...variablesOf(spec.environment),
    ...(ranOn === undefined ? [] : differences(origin.machine, ranOn)),
  ];
  return showTable(['', ''], rows, `Job ${job.id}: ${spec.summary}`);
}

function askedFor({ cores, memoryMiB, wallTimeSeconds, gpus }: JobRecord['spec']['resources']): string {
  return [
    `${cores} core${cores === 1 ? '' : 's'}`,
    memoryMiB === undefined ? undefined : showMemory(memoryMiB),
    wallTimeSeconds === undefined ? undefined : showDuration(wallTimeSeconds),
    gpus === undefined ? undefined : `${gpus} GPU${gpus === 1 ? '' : 's'}`,
  ]
    .filter((part) => part !== undefined)
    .join(', ');
}

function describePackages({ mode, reason, packages = [], archive }: NonNullable<JobRecord['packages']>): string {
  const size = archive === undefined ? '' : `; ${archive.sha256.slice(0, 12)}, ${showBytes(archive.bytes)}`;
  return `${mode} (${reason})${packages.length === 0 ? '' : `: ${packages.join(', ')}`}${size}`;
}

/** Names; values may be secrets. */
function variablesOf(environment: Readonly<Record<string, string>>): string[][] {
  const place = ['TZ', 'LANG', 'LC_ALL'].flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [`${name}=${value}`];
  });
  return place.length === 0 ? [] : [['time and language', place.join(', ')]];
}

const WORDS: Readonly<Record<keyof Machine, string>> = {
  node: 'Node.js',
  platform: 'platform',
  libc: 'C library',
  cpu: 'processor',
};

/** One row for each fact of the machine; those that differ from the notebook's say so. */
function differences(here: Machine | undefined, there: Machine): string[][] {
  const facts = ['node', 'platform', 'libc', 'cpu'] as const;
  return facts.map((fact) => {
    const other = here?.[fact];
    return [
      WORDS[fact],
      other === undefined || other === there[fact] ? there[fact] : `${there[fact]} (differs: ${other} at the notebook)`,
    ];
  });
}
