// Slurm's commands and words. Recorded and run on 22.05.8; squeue(1), scontrol(1), sacct(1), sbatch(1) of that version.
// The controller answers for all jobs of the last MinJobAge (300 s by default), ended ones and their exit codes included; sacct for older ones, some seconds late.
import type { NativeId } from '../protocol/job';
import { noAnswer, notChanged, readSubmission, toNativeId } from './answer';
import type { BatchDialect, BatchJob, CommandResult } from './dialect';
import { hoursMinutesSeconds, nativeArguments, nativeName, plainWord, refuse, wholeNumber } from './request';
import { withEnvironment } from '../transports/shell';
import { JOB, explainLog, parseAccounting, parseQueue, type Columns } from './slurm-answers';
import { QUEUE_COLUMNS, queueCommand } from './slurm-queue';
import { slurmNodes } from './slurm-nodes';

const TITLE = 'Slurm';
/** Whatever the user's own settings: times that we can read. */
const CLOCK = { TZ: 'UTC', SLURM_TIME_FORMAT: 'standard' };
const LOG = 'scheduler.log';

const HISTORY_COLUMNS: Columns = [
  'JobID',
  'State',
  'ExitCode',
  'UID',
  'Partition',
  'NodeList',
  'Start',
  'End',
  'Reason',
  'JobName',
];

/** `squeue -O` cuts fields at 20 characters unless they end in a suffix of ours without a width. */
const queueFormat = (columns: readonly string[]) => columns.map((column) => `${column}:|`).join(',');

export const slurm: BatchDialect = {
  name: 'slurm',
  title: TITLE,
  directives: (job) => options(job).map((option) => `#SBATCH ${option}`),
  submitCommand: (job, scriptPath) => [
    'sbatch',
    '--parsable',
    ...nativeArguments(job, IDENTITY),
    ...identity(job),
    scriptPath,
  ],
  parseSubmit: (result) => readSubmission(result, SUBMIT_WORDS),
  logPath,
  statusCommand: (ids) => withEnvironment(CLOCK, queueCommand(ids)),
  parseStatus: (result) => parseQueue(result, QUEUE_COLUMNS),
  // With its steps: one of ours knows how a job ended whose nodes were only given back.
  historyCommand: (ids) =>
    withEnvironment(CLOCK, ['sacct', '-n', '-P', '-j', ids.join(','), '-o', HISTORY_COLUMNS.join(',')]),
  parseHistory: (result) => parseAccounting(result, HISTORY_COLUMNS),
  explainLog,
  // --overlap: it takes no cores from the cells. --unbuffered: without it a line that has no end is held back.
  stepCommand: (id, command) => [
    'srun',
    `--jobid=${id}`,
    '--overlap',
    '--unbuffered',
    '--quiet',
    '--nodes=1',
    '--ntasks=1',
    '--cpus-per-task=1',
    '--mem=0',
    '--mpi=none',
    ...command,
  ],
  nodes: slurmNodes(options, logPath),
  // The batch shell has become the program.
  finishCommand: (ids) => ['scancel', '--batch', '--signal=TERM', ...ids],
  changeCommand: (change, ids) => (change === 'cancel' ? ['scancel', ...ids] : ['scontrol', change, ids.join(',')]),
  confirmChange,
  probes: [
    {
      check: 'Slurm',
      command: ['sinfo', '-h', '-o', '%P %a %D'],
      read: ({ exitCode, stdout }) => {
        const up = stdout
          .split('\n')
          .flatMap((line) => /^(\S+) up (\d+)$/.exec(line.trim())?.slice(1, 3).join(': ') ?? []);
        return exitCode === 0 && up.length > 0 ? `partitions and nodes: ${up.join(', ')}` : undefined;
      },
      remedy:
        'No partition is up, or the controller cannot be reached from there. Does sinfo work in a shell on that host?',
    },
    {
      check: 'accounting',
      command: ['sacct', '-X', '-n', '-P', '-S', 'now-1hours', '-o', 'JobID'],
      read: ({ exitCode }) => (exitCode === 0 ? 'sacct answers' : undefined),
      remedy:
        'Jobs run without it; but of a job that ended while nobody looked, Slurm forgets the reason after some minutes.',
    },
  ],
  searches: (name) => [
    {
      command: ['squeue', '-h', '-a', '-t', 'all', '-n', name, '-O', queueFormat(['JobID', 'Name'])],
      parse: (result) => parseSearch(name, 'squeue', result),
    },
    // Without -S sacct looks no further back than midnight when it is not asked by id.
    {
      command: ['sacct', '-X', '-n', '-P', '-S', 'now-7days', `--name=${name}`, '-o', 'JobID,JobName'],
      parse: (result) => parseSearch(name, 'sacct', result),
    },
  ],
};

/** What makes our job ours, and would send its parts astray if it were overridden. */
const IDENTITY =
  /^(-[JoeiDW]|--(job-name|comment|output|error|input|open-mode|chdir|parsable|wrap|wait|array|test-only|requeue)\b|-a)/;

function identity(job: BatchJob): readonly string[] {
  const name = nativeName(job);
  // In file names of sbatch % begins a pattern.
  const log = `${job.directory}/${LOG}`.replaceAll('%', '%%');
  return [`--job-name=${name}`, `--comment=${job.token}`, `--chdir=${job.directory}`, `--output=${log}`];
}

function logPath(job: BatchJob): string {
  return `${job.directory}/${LOG}`;
}

function options(job: BatchJob): readonly string[] {
  const ask = job.resources;
  const nodes = wholeNumber('--nodes', ask.nodes ?? 1);
  const tasks = wholeNumber('--tasks', ask.tasks ?? nodes);
  // It would take fewer nodes, with no more than a warning.
  if (tasks < nodes) refuse(TITLE, `way to spread ${tasks} tasks over ${nodes} nodes`, 'Ask for as many --tasks.');
  const lines = [
    `--nodes=${nodes}`,
    `--ntasks=${tasks}`,
    `--cpus-per-task=${wholeNumber('--cores', ask.cores)}`,
    // A cell must not run twice without being asked for it.
    '--no-requeue',
    '--mail-type=NONE',
  ];
  if (ask.memoryMiB !== undefined) lines.push(`--mem=${wholeNumber('--memory', ask.memoryMiB)}M`);
  if (ask.gpus !== undefined && ask.gpus > 0) lines.push(`--gres=gpu:${wholeNumber('--gpus', ask.gpus)}`);
  // Slurm counts in minutes, and rounds up.
  if (ask.wallTimeSeconds !== undefined) lines.push(`--time=${hoursMinutesSeconds(ask.wallTimeSeconds)}`);
  if (ask.queue !== undefined) lines.push(`--partition=${plainWord('--queue', ask.queue, /^[\w.,-]+$/)}`);
  if (ask.account !== undefined) lines.push(`--account=${plainWord('--account', ask.account)}`);
  if (ask.qos !== undefined) lines.push(`--qos=${plainWord('--qos', ask.qos)}`);
  if (ask.constraint !== undefined)
    lines.push(`--constraint=${plainWord('--constraint', ask.constraint, /^[\w.&|,!*()[\]-]+$/)}`);
  if (ask.reservation !== undefined)
    lines.push(`--reservation=${plainWord('--reservation', ask.reservation, /^[\w.,-]+$/)}`);
  if (ask.exclusive === true) lines.push('--exclusive');
  return lines;
}

const SUBMIT_WORDS = {
  // `ID;CLUSTER` in a federation (sbatch(1)).
  id: /^(?:Submitted batch job )?(\d+)(?:;\S+| on cluster \S+)?$/,
  unreachable:
    /Unable to contact slurm controller|authentication error|SlurmCtld is in standby|Unable to process configuration|temporarily unable to accept job/i,
  uncertain:
    /timed out|Zero Bytes were transmitted|Connection reset|Unexpected message received|Header lengths are longer/i,
};

/** scancel is silent about jobs that have ended or never were, and says so only of jobs of somebody else or when nobody hears it. */
function confirmChange(change: 'cancel' | 'hold' | 'release', result: CommandResult): void {
  if (result.exitCode === 0) return;
  const nothingLeft = /Invalid job id specified|already completing or completed/;
  const complaints = result.stderr.split('\n').filter((line) => /error/i.test(line));
  if (change === 'cancel' && complaints.length > 0 && complaints.every((line) => nothingLeft.test(line))) return;
  throw notChanged(TITLE, change, result);
}

function parseSearch(name: string, command: string, result: CommandResult): readonly NativeId[] {
  if (result.exitCode !== 0) throw noAnswer(TITLE, command, result);
  const rows = result.stdout.split('\n').map((line) => line.replace(/\|$/, '').split('|'));
  const ids = rows.filter(([id = '', found]) => found === name && JOB.test(id)).map(([id = '']) => toNativeId(id));
  return [...new Set(ids)];
}
