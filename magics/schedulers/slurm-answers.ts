// What Slurm's answers mean: lines of the queue, rows of sacct, slurmstepd's words in a log. Recorded on 22.05.8.
import type { NativeId } from '../protocol/job';
import { endedByExit, endedBySignal, noAnswer, parseTime, toNativeId } from './answer';
import type { CommandResult, Observation, Observations } from './dialect';
import type { Explanation } from './scheduler';
import { STEP_NAME } from './slurm-nodes';
import { ALIVE, ENDED, waiting } from './slurm-words';

const TITLE = 'Slurm';

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

/** An id of a job, or of a task of an array. */
export const JOB = /^\d+(?:_\d+)?$/;

/** Lines of the queue, as queueCommand prints them. Exported for recordings of squeue, which name the id and the exit code otherwise: we do not ask it any more. */
export function parseQueue(result: CommandResult, columns: Columns): Observations {
  // Asked for one id, Slurm fails once it has forgotten the job; of several it leaves it out.
  if (result.exitCode !== 0 && !/Invalid job id specified/.test(result.stderr))
    throw noAnswer(TITLE, 'scontrol', result);
  const seen = new Map<NativeId, Observation>();
  for (const line of result.stdout.split('\n')) {
    const row = toRow(line.replace(/\|$/, ''), columns);
    const id = row?.JobArrayID ?? row?.JobID ?? '';
    if (row === undefined || !JOB.test(id)) continue;
    seen.set(toNativeId(id), observe(row, exitOf(row)));
  }
  return seen;
}

/** Only sacct reduces codes. */
function exitOf({ exit_code, ExitCode }: Row): ExitStatus | undefined {
  if (exit_code !== undefined) return fromWaitStatus(exit_code);
  const found = ExitCode === undefined ? undefined : fromPair(ExitCode);
  return found === undefined ? undefined : { code: found.code, signal: found.signal };
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
export function explainLog(log: string): Explanation | undefined {
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
