// The commands of PBS Professional and OpenPBS: qsub(1B), qstat(1B), qselect(1B). Living jobs are asked for without `-x`, ended ones with it: where the server keeps no
// history (job_history_enable), `-x` answers nothing at all, with exit code 0, about either. Torque spells -l select and -F otherwise: untested, likely refused there.
import { UsageError } from '../protocol/errors';
import type { NativeId } from '../protocol/job';
import { readSubmission } from './answer';
import type { BatchDialect, BatchJob } from './dialect';
import { confirmChange, explainLog, parseHistory, parseQueue, parseSearch } from './pbs-answers';
import { hoursMinutesSeconds, nativeArguments, nativeName, plainWord, refuse, wholeNumber } from './request';
import { withEnvironment, type Argv } from '../transports/shell';

const TITLE = 'PBS';
/** Not as JSON: of several ids, 23.06.06 and what came after it print the first one only. */
const ask = (ids: readonly NativeId[], ...more: readonly string[]): Argv =>
  withEnvironment({ TZ: 'UTC' }, ['qstat', ...more, '-f', '-F', 'dsv', ...ids]);

export const pbs: BatchDialect = {
  name: 'pbs',
  title: TITLE,
  directives: (job) => options(job).map((option) => `#PBS ${option}`),
  submitCommand: (job, scriptPath) => ['qsub', ...nativeArguments(job, IDENTITY), ...identity(job), scriptPath],
  parseSubmit: (result) => readSubmission(result, SUBMIT_WORDS),
  // With -k oed the node writes it as the job runs, under this name.
  logPath: (job, id) => `${job.directory}/${id}.OU`,
  statusCommand: (ids) => ask(ids),
  parseStatus: parseQueue,
  historyCommand: (ids) => ask(ids, '-x'),
  parseHistory,
  explainLog,
  changeCommand: (change, ids) => [CHANGES[change], ...ids],
  confirmChange,
  probes: [
    {
      check: 'PBS',
      command: ['qstat', '-Q'],
      read: ({ exitCode, stdout }) => {
        const queues = stdout.split('\n').flatMap((line) => /^(\S+)(?:\s+\d+){2}\s+yes\s+yes/.exec(line)?.[1] ?? []);
        return exitCode === 0 && queues.length > 0 ? `queues: ${queues.join(', ')}` : undefined;
      },
      remedy:
        'No queue is open, or the server cannot be reached from there. Does qstat -Q work in a shell on that host?',
    },
    {
      check: 'job history',
      command: ['qstat', '-B', '-f'],
      read: ({ exitCode, stdout }) => {
        const setting = (name: string) => new RegExp(`^ *${name} = (\\S+)`, 'm').exec(stdout)?.[1];
        const isKept = setting('job_history_enable') === 'True';
        return exitCode === 0 && isKept ? `kept for ${setting('job_history_duration') ?? 'two weeks'}` : undefined;
      },
      remedy:
        'The server forgets jobs at their end, so of one that was ended from outside nobody will know why. Ask the administrator for job_history_enable.',
    },
  ],
  searches: (name) => [
    { command: ['qselect', '-N', name], parse: parseSearch },
    { command: ['qselect', '-x', '-N', name], parse: parseSearch },
  ],
};

const CHANGES = { cancel: 'qdel', hold: 'qhold', release: 'qrls' } as const;

/** qsub takes an option's value in the same word, too, and waits for the job's end where `block` says so. */
const IDENTITY = /^-[NoejkJIXfzSCr]|^(?:-W)?(?:.*,)?(?:block|sandbox)=/;

function identity(job: BatchJob): readonly string[] {
  // -o takes host:path, and commas separate values everywhere.
  if (/[:,]/.test(job.directory))
    throw new UsageError(
      `${TITLE} cannot write into ${JSON.stringify(job.directory)}: qsub gives : and , in paths a meaning. Set another store for this cluster.`,
    );
  return ['-N', nativeName(job), '-j', 'oe', '-k', 'oed', '-o', `${job.directory}/`];
}

function options(job: BatchJob): readonly string[] {
  const asked = job.resources;
  const nodes = wholeNumber('--nodes', asked.nodes ?? 1);
  const tasks = wholeNumber('--tasks', asked.tasks ?? nodes);
  const cores = wholeNumber('--cores', asked.cores);
  if (tasks % nodes !== 0)
    refuse(TITLE, `way to spread ${tasks} tasks evenly over ${nodes} nodes`, 'Choose a multiple of --nodes.');
  const chunk = [
    `${nodes}:ncpus=${(tasks / nodes) * cores}`,
    ...(tasks === nodes ? [] : [`mpiprocs=${tasks / nodes}`]),
  ];
  if (asked.memoryMiB !== undefined) chunk.push(`mem=${wholeNumber('--memory', asked.memoryMiB)}mb`);
  if (asked.gpus !== undefined && asked.gpus > 0) chunk.push(`ngpus=${wholeNumber('--gpus', asked.gpus)}`);
  const lines = [`-l select=${chunk.join(':')}`];
  const place = [...(nodes > 1 ? ['scatter'] : []), ...(asked.exclusive === true ? ['excl'] : [])];
  if (place.length > 0) lines.push(`-l place=${place.join(':')}`);
  if (asked.wallTimeSeconds !== undefined) lines.push(`-l walltime=${hoursMinutesSeconds(asked.wallTimeSeconds)}`);
  if (asked.queue !== undefined) lines.push(`-q ${plainWord('--queue', asked.queue)}`);
  if (asked.account !== undefined) lines.push(`-A ${plainWord('--account', asked.account)}`);
  if (asked.qos !== undefined) refuse(TITLE, '--qos', 'Choose a queue instead.');
  if (asked.constraint !== undefined)
    refuse(TITLE, '--constraint', "Ask for the site's resource by --native '-l NAME=VALUE'.");
  if (asked.reservation !== undefined)
    refuse(TITLE, '--reservation', 'A reservation is a queue of its own here: give its name as --queue.');
  // Not run twice without being asked; no mail.
  return [...lines, '-S /bin/sh', '-r n', '-m n'];
}

const SUBMIT_WORDS = {
  // `1.c1`; an array is `20[].c1`.
  id: /^(\d+(?:\[\])?(?:\.[\w.-]+)?)$/,
  unreachable: /cannot connect to server|Connection refused|No route to host|cannot resolve|pbs_connect/i,
  uncertain: /timed? ?out|End of file|Premature end|protocol error|Connection reset|errno=15031/i,
};
