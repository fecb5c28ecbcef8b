// What PBS's answers mean: lines of `qstat -f -F dsv`, lists of qselect, the node's words in a log. Observed on OpenPBS 23.06.06 and its later sources;
// pbs_job_attributes(7B), qstat(1B).
import type { NativeId } from '../protocol/job';
import { endedByShellCode, noAnswer, notChanged, parseTime, toNativeId } from './answer';
import type { Change, CommandResult, Observation, Observations } from './dialect';
import type { Explanation } from './scheduler';

const TITLE = 'PBS';

/** `1.c1`; an array is `20[].c1`, a task of it `20[3].c1`. */
const ID = /^\d+(?:\[\d*\])?(?:\.[\w.-]+)?$/;

/** What is said of a job that the queue does not have, which spoils no answer about others. */
const GONE = /Unknown Job Id|Job has finished/i;
/** Said, with exit code 0, where job_history_enable is off, once for each job. */
const NO_HISTORY = /not configured to maintain job history/i;

// ---- qstat ----------------------------------------------------------------------------------------------------------------------------------------

/** `resources_used.mem` is a field of that name. */
type Job = ReadonlyMap<string, string>;

/** What the queue holds. */
export function parseQueue(result: CommandResult): Observations {
  const trouble = complaints(result).some((line) => !GONE.test(line));
  if (result.exitCode === null || (result.exitCode !== 0 && trouble)) throw noAnswer(TITLE, 'qstat', result);
  return new Map(readJobs(result.stdout).map(([id, job]) => [id, observe(job)]));
}

/** What has ended. Asked about jobs that the queue does not have; where nothing is kept, that is all that will ever be known. */
export function parseHistory(result: CommandResult): Observations {
  const said = complaints(result);
  const trouble = said.some((line) => !GONE.test(line) && !NO_HISTORY.test(line));
  if (result.exitCode === null || (result.exitCode !== 0 && trouble)) throw noAnswer(TITLE, 'qstat', result);
  const forgotten = said.flatMap((line): [NativeId, Observation][] => {
    const id = NO_HISTORY.test(line) ? line.trim().split(' ').at(-1) : undefined;
    return id !== undefined && ID.test(id) ? [[toNativeId(id), FORGOTTEN]] : [];
  });
  return new Map([...forgotten, ...readJobs(result.stdout).map(([id, job]) => [id, observe(job)] as const)]);
}

/** Nobody will tell more; but the runner's own files may be on their way. */
const FORGOTTEN: Observation = {
  sighting: {
    state: 'ended',
    explanation: {
      cause: 'runner-lost',
      reason:
        'PBS has the job no more, and keeps no history here (job_history_enable is off), so nobody knows how it ended.',
    },
  },
  words: 'PBS is not configured to maintain job history',
  provisional: true,
};

export function complaints(result: CommandResult): readonly string[] {
  return result.stderr.split('\n').filter((line) => line.trim() !== '');
}

/** One job on a line, `Job Id: 1.c1|Job_Name=cell|…`. In a value a backslash stands before each bar and backslash, and ends of lines are letters. */
function readJobs(stdout: string): readonly (readonly [NativeId, Job])[] {
  return stdout.split('\n').flatMap((line) => {
    const id = /^Job Id: ([^|]+)\|/.exec(line)?.[1];
    if (id === undefined || !ID.test(id)) return [];
    const job = new Map<string, string>();
    for (const [, key = '', value = ''] of line.matchAll(/\|(\w+(?:\.\w+)?)=((?:[^|\\]|\\.)*)/g))
      job.set(key, value.replaceAll(/\\(.)/g, '$1'));
    return [[toNativeId(id), job] as const];
  });
}

// ---- states ---------------------------------------------------------------------------------------------------------------------------------------

const HOLDS: Readonly<Record<string, string>> = {
  u: 'It is held by its user.',
  o: 'It is held by an operator.',
  s: 'It is held until another job ends, or by the server.',
  p: 'It is held for a wrong password.',
};

const QUEUED: Readonly<Record<string, string>> = {
  T: 'It is being moved to another queue or server.',
  W: 'It waits for its start time.',
  S: 'It is suspended.',
  U: 'It is suspended, since its node is in use by a person.',
};

/** The server tries some twenty times within seconds. A log that the node cannot open is the usual reason. */
const FAILED_STARTS = /too many failed attempts to run/i;
const FAILED_STARTS_REASON =
  'PBS holds it, since no node could start it. Is the directory of its log (the cluster’s `store:`) there on the compute nodes, too?';

/** "substate" of a finished job (pbs_job_attributes(7B)): ended, failed, or deleted. */
const TERMINATED = '91';

function observe(job: Job): Observation {
  const state = word(job, 'job_state');
  const comment = word(job, 'comment');
  const words = comment === '' ? state : `${state}: ${comment}`;
  const node = word(job, 'exec_host').split('/')[0] ?? '';
  switch (state) {
    case 'Q':
      return {
        sighting: comment === '' ? { state: 'queued' } : { state: 'queued', reason: comment },
        words,
        ...(comment.startsWith('Can Never Run') ? { stuck: true as const } : {}),
        ...expected(job),
      };
    case 'H':
      return FAILED_STARTS.test(comment)
        ? { sighting: { state: 'queued', reason: FAILED_STARTS_REASON }, words, stuck: true }
        : { sighting: { state: 'queued', reason: holdWords(word(job, 'Hold_Types')) }, words };
    case 'T':
    case 'W':
    case 'S':
    case 'U':
      return { sighting: { state: 'queued', reason: QUEUED[state] ?? '' }, words };
    // E: ending; an exit status may be there, the output not. B: an array of which some task has begun.
    case 'R':
    case 'E':
    case 'B':
      return {
        sighting: { state: 'running', since: parseTime(word(job, 'stime')) ?? 0, ...(node === '' ? {} : { node }) },
        words,
      };
    case 'F':
    case 'X':
      return finished(job, state, words, comment);
    case 'M':
      return { sighting: { state: 'unknown', raw: 'M: moved to another server' }, words };
    default:
      return { sighting: { state: 'unknown', raw: words }, words };
  }
}

/** Where the site lets PBS plan ahead (pbs_job_attributes(7B), "estimated"): a date, or UNKNOWN. */
function expected(job: Job): { readonly expectedStart?: number } {
  const at = parseTime(job.get('estimated.start_time'));
  return at === undefined ? {} : { expectedStart: at };
}

/** A job can be held for several reasons at once; `n` is none. */
function holdWords(types: string): string {
  const letters = Object.keys(HOLDS).filter((letter) => types.includes(letter));
  return letters.map((letter) => HOLDS[letter]).join(' ');
}

function finished(job: Job, state: string, words: string, comment: string): Observation {
  const status = exitStatus(job);
  const endedAt = parseTime(word(job, 'obittime'));
  const said = status === undefined ? words : `${words} (Exit_status ${status})`;
  return { ...toEnd(job, state, status, comment), words: said, ...(endedAt === undefined ? {} : { endedAt }) };
}

type End = Omit<Observation, 'words'>;

function ended(explanation: Explanation): End {
  return { sighting: { state: 'ended', explanation } };
}

function toEnd(job: Job, state: string, status: number | undefined, comment: string): End {
  const limit = /and exceeded resource (\S+)/.exec(comment)?.[1];
  if (limit !== undefined) return ended(overLimit(limit));
  if (job.get('substate') === TERMINATED) return toCancelled(job, comment);
  // It never ran: the job it was to follow did not end well, say. No success, though the substate says "ended".
  if (status === undefined) return state === 'X' ? UNTOLD : ended(neverRan(job));
  if (status === 0)
    return word(job, 'array') === 'True' && / and failed$/.test(comment)
      ? ended({ cause: 'exit', reason: 'A task of the array failed.' })
      : { sighting: { state: 'ended' } };
  if (status === HOOK_DELETED)
    return { sighting: { state: 'cancelled', by: 'administrator' }, cancelledBy: 'a hook of the site' };
  if (status < 0) return ended(NEGATIVE[status] ?? startFailed(`Exit_status ${status}`));
  // 256 and a signal: the job's shell itself was ended by it.
  return ended(endedByShellCode(status > 256 ? status - 128 : status));
}

const UNTOLD: End = { sighting: { state: 'unknown', raw: 'X' }, provisional: true };

function toCancelled(job: Job, comment: string): End {
  const by = /terminated by (\S+)/.exec(comment)?.[1];
  const owner = word(job, 'Job_Owner').split('@')[0];
  const other = by !== undefined && by.split('@')[0] !== owner;
  return {
    sighting: { state: 'cancelled', by: other ? 'administrator' : 'unknown' },
    ...(by === undefined ? {} : { cancelledBy: by }),
  };
}

function neverRan(job: Job): Explanation {
  return {
    cause: 'start-failed',
    reason:
      word(job, 'depend') === ''
        ? 'The job ended before it ran.'
        : 'The job never ran, since the one it was to follow did not end as it asked.',
  };
}

function overLimit(resource: string): Explanation {
  if (resource === 'walltime') return { cause: 'time-limit', reason: 'The job reached its time limit.' };
  if (/mem$/.test(resource))
    return { cause: 'out-of-memory', reason: `The job used more memory than it had asked for (${resource}).` };
  return {
    cause: /^(cput|pcput)$/.test(resource) ? 'time-limit' : 'signal',
    reason: `The job used more ${resource} than it had asked for.`,
  };
}

const HOOK_DELETED = -19;

/** JOB_EXEC_… of pbs's job.h: what the node could not do, or ended the job for. -4 and -20 were seen, with a node's daemon killed, then started or not. */
const NEGATIVE: Readonly<Record<number, Explanation>> = {
  [-1]: startFailed('before its files were made'),
  [-2]: startFailed('after its files were made'),
  [-3]: startFailed('it would have been tried again'),
  [-4]: nodeLost('PBS was started anew on the job’s node, which ended the job.'),
  [-5]: nodeLost('PBS was started anew on the job’s node, which ended the job.'),
  [-6]: nodeLost('PBS was started anew on the job’s node, which ended the job.'),
  [-10]: startFailed('its node does not know the user or the group'),
  [-13]: startFailed('the password was wrong'),
  [-17]: startFailed('a hook of the site refused it on its node'),
  [-20]: nodeLost('The job’s node was lost: PBS heard nothing of it any more.'),
  [-21]: startFailed('the node does not trust the permissions of its own directories'),
  [-22]: startFailed('a hook of the site failed on its node'),
  [-23]: startFailed('it came without Kerberos credentials'),
  [-24]: overLimit('ncpus'),
  [-25]: overLimit('ncpus'),
  [-26]: overLimit('vmem'),
  [-27]: overLimit('mem'),
  [-28]: overLimit('cput'),
  [-29]: overLimit('walltime'),
  [-30]: startFailed('its nodes could not join'),
};

function startFailed(why: string): Explanation {
  return { cause: 'start-failed', reason: `PBS could not run the job: ${why}.` };
}

function nodeLost(reason: string): Explanation {
  return { cause: 'node-lost', reason };
}

/** Lines of the node in the log. */
export function explainLog(log: string): Explanation | undefined {
  const limit = /^=>> PBS: job killed: (\w+)/m.exec(log)?.[1];
  return limit === undefined ? undefined : overLimit(limit);
}

function word(job: Job, key: string): string {
  return job.get(key) ?? '';
}

function exitStatus(job: Job): number | undefined {
  const text = word(job, 'Exit_status');
  return /^-?\d+$/.test(text) ? Number(text) : undefined;
}

// ---- changes and searches -------------------------------------------------------------------------------------------------------------------------

export function confirmChange(change: Change, result: CommandResult): void {
  if (result.exitCode === 0) return;
  const said = complaints(result);
  const wereGone = said.length > 0 && said.every((line) => GONE.test(line));
  if (change === 'cancel' && result.exitCode !== null && wereGone) return;
  throw notChanged(TITLE, change, result);
}

/** Where PBS keeps no history, qselect says so and ends well: then the queue, which is asked as well, is all there is. */
export function parseSearch(result: CommandResult): readonly NativeId[] {
  if (result.exitCode !== 0) throw noAnswer(TITLE, 'qselect', result);
  return result.stdout
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => ID.test(line))
    .map(toNativeId);
}
