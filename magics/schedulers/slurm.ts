// Slurm's commands and words. Recorded and run on 22.05.8; squeue(1), sacct(1), sbatch(1) of that version.
// squeue answers for all jobs of the last MinJobAge (300 s by default), ended ones and their exit codes included; sacct for older ones, some seconds late.
import type { NativeId } from '../protocol/job';
import { endedByExit, endedBySignal, noAnswer, notChanged, parseTime, readSubmission, toNativeId } from './answer';
import type { BatchDialect, BatchJob, CommandResult, Observation, Observations } from './dialect';
import { hoursMinutesSeconds, nativeArguments, nativeName, plainWord, refuse, wholeNumber } from './request';
import type { Explanation } from './scheduler';
import { withEnvironment } from '../transports/shell';
import { slurmNodes, STEP_NAME } from './slurm-nodes';
import { ALIVE, ENDED, waiting } from './slurm-words';

const TITLE = 'Slurm';
/** Whatever the user's own settings: times that we can read. */
const CLOCK = { TZ: 'UTC', SLURM_TIME_FORMAT: 'standard' };
const LOG = 'scheduler.log';

/** What we ask and understand. The names are those of `squeue -O` and `sacct -o`, which agree but for the id. */
type Column =
  | 'JobArrayID'
  | 'JobID'
  | 'State'
  | 'Reason'
  | 'exit_code'
  | 'ExitCode'
  | 'NodeList'
  | 'StartTime'
  | 'Start'
  | 'EndTime'
  | 'End'
  | 'UID'
  | 'Partition'
  | 'Name'
  | 'JobName';
export type Columns = readonly (Column | '')[];

// Free text last: a name can hold the separator.
const QUEUE_COLUMNS: Columns = [
  'JobArrayID',
  'State',
  'Reason',
  'exit_code',
  'NodeList',
  'StartTime',
  'EndTime',
  'Name',
];
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
  statusCommand: (ids) =>
    withEnvironment(CLOCK, [
      'squeue',
      '-h',
      '-a',
      '-r',
      '-t',
      'all',
      '-j',
      ids.join(','),
      '-O',
      queueFormat(QUEUE_COLUMNS),
    ]),
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

type Row = Readonly<Partial<Record<Column, string>>>;

/** Splits a line into as many fields as there are columns; the last one takes the rest. */
function toRow(line: string, columns: Columns): Row | undefined {
  const fields = line.split('|');
  if (fields.length < columns.length) return undefined;
  const last = fields.slice(columns.length - 1).join('|');
  return Object.fromEntries(
    columns.map((column, i) => [column, (i === columns.length - 1 ? last : (fields[i] ?? '')).trim()]),
  );
}

const JOB = /^\d+(?:_\d+)?$/;

/** Lines of squeue. Exported for the recorded ones, which were asked for other columns. */
export function parseQueue(result: CommandResult, columns: Columns): Observations {
  // With one id squeue fails once it has forgotten the job; with several it leaves it out.
  if (result.exitCode !== 0 && !/Invalid job id specified/.test(result.stderr)) throw noAnswer(TITLE, 'squeue', result);
  const seen = new Map<NativeId, Observation>();
  for (const line of result.stdout.split('\n')) {
    const row = toRow(line.replace(/\|$/, ''), columns);
    const id = row?.JobArrayID ?? '';
    if (row === undefined || !JOB.test(id)) continue;
    seen.set(toNativeId(id), observe(row, row.exit_code === undefined ? undefined : fromWaitStatus(row.exit_code)));
  }
  return seen;
}

/** Rows of `sacct -X -P`. Steps and the leftovers of an array (`67_[4-5]`, which says CANCELLED of tasks that completed) are no rows of a job. */
export function parseAccounting(result: CommandResult, columns: Columns): Observations {
  if (result.exitCode !== 0) throw noAnswer(TITLE, 'sacct', result);
  const seen = new Map<NativeId, Observation>();
  for (const line of result.stdout.split('\n')) {
    const row = toRow(line, columns);
    const id = row?.JobID ?? '';
    if (row === undefined) continue;
    const step = row.JobName === STEP_NAME ? /^(\d+)\.\d+$/.exec(id)?.[1] : undefined;
    if (step !== undefined) {
      const nodes = seen.get(toNativeId(step));
      const told =
        nodes === undefined ? undefined : explainByStep(nodes, settle(observe(row, fromPair(row.ExitCode ?? ''))));
      if (told !== undefined) seen.set(toNativeId(step), told);
      continue;
    }
    if (!JOB.test(id)) continue;
    const found = observe(row, row.ExitCode === undefined ? undefined : fromPair(row.ExitCode));
    // Rows written before the job's own record has come: their owner, state and codes may be wrong for some seconds.
    const early = row.JobName === 'allocation' && row.Partition === '';
    seen.set(toNativeId(id), early ? { ...withoutOwner(found), provisional: true } : settle(found));
  }
  return seen;
}

/** Nodes that were given back by our step are cancelled by their owner, whatever became of it. An end that came from elsewhere is that of the step, too. */
function explainByStep(nodes: Observation, step: Observation): Observation | undefined {
  const isGivenBack = nodes.sighting.state === 'cancelled' && nodes.sighting.by !== 'administrator';
  return isGivenBack && step.sighting.state === 'ended' ? step : undefined;
}

function withoutOwner(found: Observation): Observation {
  return found.sighting.state === 'cancelled' ? { ...found, sighting: { state: 'cancelled', by: 'unknown' } } : found;
}

function settle(found: Observation): Observation {
  const { provisional, ...settled } = found;
  return provisional === undefined ? found : settled;
}

interface ExitStatus {
  readonly code: number;
  readonly signal: number;
  /** sacct shows codes above 128 less 128. */
  readonly reduced?: true;
  /** No exit at all: one of Slurm's own error numbers. */
  readonly slurms?: number;
}

/** squeue's exit_code is what wait(2) gave: 768 is exit 3, 9 is SIGKILL. Both at once no process can have: 4021 was an output file that cannot be opened. */
function fromWaitStatus(text: string): ExitStatus | undefined {
  if (!/^\d+$/.test(text)) return undefined;
  const status = Number(text);
  const [code, signal] = [status >> 8, status & 127];
  return code > 0 && signal > 0 ? { code, signal, slurms: status } : { code, signal };
}

function fromPair(text: string): ExitStatus | undefined {
  const found = /^(\d+):(\d+)$/.exec(text);
  return found === null ? undefined : { code: Number(found[1]), signal: Number(found[2]), reduced: true };
}

function observe(row: Row, exit: ExitStatus | undefined): Observation {
  // A suffix may follow: "CANCELLED by 1000".
  const raw = row.State ?? '';
  const [state = ''] = raw.split(' ');
  const reason = row.Reason ?? '';
  const words = [raw, reason === 'None' ? '' : reason].filter(Boolean).join(' ');
  const alive = ALIVE[state];
  const start = parseTime(row.StartTime ?? row.Start);
  const node =
    row.NodeList === undefined || row.NodeList === '' || row.NodeList === 'None assigned' ? undefined : row.NodeList;
  if (alive === 'running')
    return { sighting: { state: 'running', since: start ?? 0, ...(node === undefined ? {} : { node }) }, words };
  if (alive === 'queued') {
    const wait = waiting(state, reason);
    return {
      sighting: wait.reason === undefined ? { state: 'queued' } : { state: 'queued', reason: wait.reason },
      words,
      ...(wait.stuck ? { stuck: true as const } : {}),
      ...(start === undefined || state !== 'PENDING' ? {} : { expectedStart: start }),
    };
  }
  const ended = toEnd(state, raw, reason, exit, row.UID);
  if (ended === undefined) return { sighting: { state: 'unknown', raw: words }, words };
  const endedAt = parseTime(row.EndTime ?? row.End);
  return {
    ...ended,
    words: exit === undefined ? words : `${words} ${exit.code}:${exit.signal}`,
    ...(endedAt === undefined ? {} : { endedAt }),
  };
}

function toEnd(
  state: string,
  raw: string,
  reason: string,
  exit: ExitStatus | undefined,
  owner: string | undefined,
): Omit<Observation, 'words'> | undefined {
  if (state === 'COMPLETED') return { sighting: { state: 'ended' } };
  if (state === 'CANCELLED') {
    const by = / by (\S+)$/.exec(raw)?.[1];
    const other = by !== undefined && owner !== undefined && owner !== '' && by !== owner;
    return {
      sighting: { state: 'cancelled', by: other ? 'administrator' : 'unknown' },
      // Only sacct tells by whom.
      ...(by === undefined ? { provisional: true as const } : { cancelledBy: by }),
    };
  }
  if (state === 'FAILED') {
    const explanation = explainFailure(reason, exit);
    return {
      sighting: { state: 'ended', explanation: explanation ?? UNTOLD },
      ...(explanation === undefined ? { provisional: true as const } : {}),
    };
  }
  const explanation = ENDED[state];
  return explanation === undefined ? undefined : { sighting: { state: 'ended', explanation } };
}

const UNTOLD: Explanation = { cause: 'runner-lost', reason: 'The job failed; Slurm has not told yet how.' };
/** What sacct makes of 4021, by its lowest seven bits. */
const NO_OUTPUT = 53;

function explainFailure(reason: string, exit: ExitStatus | undefined): Explanation | undefined {
  if (exit === undefined) return undefined;
  if (exit.signal === NO_OUTPUT)
    return {
      cause: 'start-failed',
      reason: 'The job could not be started: on its node, its directory or its log file cannot be opened.',
    };
  if (exit.slurms !== undefined)
    return { cause: 'start-failed', reason: `The job could not be started (error ${exit.slurms} of Slurm).` };
  // "JobLaunchFailure" is also said of jobs that a signal ended.
  if (exit.signal > 0) return endedBySignal(exit.signal);
  if (exit.code > 0) {
    const likely = exit.reduced === true && [6, 9, 11, 15].includes(exit.code);
    return likely
      ? {
          ...endedByExit(exit.code),
          reason: `The job ended with exit code ${exit.code} or ${exit.code + 128}, which sacct does not tell apart.`,
        }
      : endedByExit(exit.code);
  }
  return reason === 'NonZeroExitCode'
    ? undefined
    : {
        cause: 'start-failed',
        reason: `The job could not be started${reason === '' || reason === 'None' ? '' : ` (${reason})`}.`,
      };
}

/** slurmstepd's own lines in the log. Where memory is limited by polling, they are the only sign that it was memory. */
function explainLog(log: string): Explanation | undefined {
  const lines = log.split('\n').filter((line) => /^(slurmstepd|srun)\b.*error:/.test(line));
  const said = (pattern: RegExp) => lines.some((line) => pattern.test(line));
  if (said(/oom-kill event|Exceeded job memory limit|exceeded memory limit/i)) return ENDED['OUT_OF_MEMORY'];
  if (said(/DUE TO TIME LIMIT/)) return ENDED['TIMEOUT'];
  if (said(/DUE TO NODE FAILURE/)) return ENDED['NODE_FAIL'];
  if (said(/DUE TO PREEMPTION/)) return ENDED['PREEMPTED'];
  const launch = lines.find((line) => /execve\(\)|bad interpreter/.test(line));
  return launch === undefined
    ? undefined
    : { cause: 'start-failed', reason: `The job could not be started: ${launch.replace(/^.*?error:\s*/, '')}` };
}

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
