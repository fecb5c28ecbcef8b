// The commands and words of PBS Professional and OpenPBS. Recorded on OpenPBS 23.06.06: qstat(1B), qsub(1B), pbs_job_attributes(7B). `qstat -x` answers for
// living and ended jobs alike while the server keeps history (job_history_enable). Torque spells -l select and JSON otherwise: untested, likely refused there.
import { UsageError } from '../protocol/errors';
import type { NativeId } from '../protocol/job';
import { endedByShellCode, noAnswer, notChanged, parseTime, readSubmission, toNativeId } from './answer';
import type { BatchDialect, BatchJob, CommandResult, Observation, Observations } from './dialect';
import { hoursMinutesSeconds, nativeArguments, nativeName, plainWord, refuse, wholeNumber } from './request';
import type { Explanation, Sighting } from './scheduler';
import { withEnvironment, type Argv } from '../transports/shell';

const TITLE = 'PBS';
/** History included. */
const ask = (ids: readonly NativeId[]): Argv =>
  withEnvironment({ TZ: 'UTC' }, ['qstat', '-x', '-f', '-F', 'json', ...ids]);

export const pbs: BatchDialect = {
  name: 'pbs',
  title: TITLE,
  directives: (job) => options(job).map((option) => `#PBS ${option}`),
  submitCommand: (job, scriptPath) => ['qsub', ...nativeArguments(job, IDENTITY), ...identity(job), scriptPath],
  parseSubmit: (result) => readSubmission(result, SUBMIT_WORDS),
  // With -k oed the node writes it as the job runs, under this name.
  logPath: (job, id) => `${job.directory}/${id}.OU`,
  statusCommand: ask,
  parseStatus: parseJobs,
  historyCommand: ask,
  parseHistory: parseJobs,
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
  ],
  searches: (name) => [{ command: ['qselect', '-x', '-N', name], parse: parseSearch }],
};

const CHANGES = { cancel: 'qdel', hold: 'qhold', release: 'qrls' } as const;

const IDENTITY = /^-(N|o|e|j|k|J|I|X|f|z|S|C|r|Wblock.*|Wsandbox.*)$/;

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

/** "substate" of a finished job (pbs_job_attributes(7B)): ended, failed, or deleted. */
const TERMINATED = 91;

type Job = Readonly<Record<string, unknown>>;

function parseJobs(result: CommandResult): Observations {
  const jobs = readJobs(result.stdout);
  // The head of an answer is printed even when nobody answered, and with a mixed list the known jobs come with an exit code: so look at what it says.
  if (
    result.exitCode !== 0 &&
    (result.exitCode === null || complaints(result).some((line) => !/Unknown Job Id|Job has finished/i.test(line)))
  )
    throw noAnswer(TITLE, 'qstat', result);
  return new Map(Object.entries(jobs).map(([id, job]) => [toNativeId(id), observe(job)]));
}

const complaints = (result: CommandResult) => result.stderr.split('\n').filter((line) => line.trim() !== '');

function observe(job: Job): Observation {
  const state = word(job, 'job_state');
  const comment = word(job, 'comment');
  const words = comment === '' ? state : `${state}: ${comment}`;
  const queued = (reason: string): Sighting => (reason === '' ? { state: 'queued' } : { state: 'queued', reason });
  const node = word(job, 'exec_host').split('/')[0] ?? '';
  switch (state) {
    case 'Q':
      return {
        sighting: queued(comment),
        words,
        ...(comment.startsWith('Can Never Run') ? { stuck: true as const } : {}),
        ...expected(job),
      };
    case 'H':
      return {
        sighting: queued(holdWords(word(job, 'Hold_Types'))),
        words,
      };
    case 'T':
    case 'W':
    case 'S':
    case 'U':
      return { sighting: queued(QUEUED[state] ?? ''), words };
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

/** "estimated" of pbs_job_attributes(7B), where the site lets PBS plan ahead: documented as a date, kept as seconds since the epoch. */
function expected(job: Job): { readonly expectedStart?: number } {
  const plan = job['estimated'];
  const start = isRecord(plan) ? plan['start_time'] : undefined;
  const at = typeof start === 'number' ? start * 1000 : parseTime(typeof start === 'string' ? start : undefined);
  return at === undefined ? {} : { expectedStart: at };
}

/** A job can be held for several reasons at once; `n` is none. */
function holdWords(types: string): string {
  const letters = Object.keys(HOLDS).filter((letter) => types.includes(letter));
  return letters.map((letter) => HOLDS[letter]).join(' ');
}

function finished(job: Job, state: string, words: string, comment: string): Observation {
  const status = job['Exit_status'];
  const endedAt = parseTime(word(job, 'obittime'));
  const said = typeof status === 'number' ? `${words} (Exit_status ${status})` : words;
  return { ...toEnd(job, state, status, comment), words: said, ...(endedAt === undefined ? {} : { endedAt }) };
}

function toEnd(job: Job, state: string, status: unknown, comment: string): Omit<Observation, 'words'> {
  const ended = (explanation: Explanation): Omit<Observation, 'words'> => ({
    sighting: { state: 'ended', explanation },
  });
  const limit = /and exceeded resource (\S+)/.exec(comment)?.[1];
  if (limit !== undefined) return ended(overLimit(limit));
  if (job['substate'] === TERMINATED) {
    const by = /terminated by (\S+)/.exec(comment)?.[1];
    const owner = word(job, 'Job_Owner').split('@')[0];
    const other = by !== undefined && by.split('@')[0] !== owner;
    return {
      sighting: { state: 'cancelled', by: other ? 'administrator' : 'unknown' },
      ...(by === undefined ? {} : { cancelledBy: by }),
    };
  }
  // It never ran: the job it was to follow did not end well, say. No success, though the substate says "ended".
  if (typeof status !== 'number')
    return state === 'X'
      ? { sighting: { state: 'unknown', raw: 'X' }, provisional: true }
      : ended({
          cause: 'start-failed',
          reason:
            word(job, 'depend') === ''
              ? 'The job ended before it ran.'
              : 'The job never ran, since the one it was to follow did not end as it asked.',
        });
  if (status === 0)
    return word(job, 'array') === 'True' && / and failed$/.test(comment)
      ? ended({ cause: 'exit', reason: 'A task of the array failed.' })
      : { sighting: { state: 'ended' } };
  const known = NEGATIVE[status];
  if (known !== undefined) return ended(known);
  if (status < 0) return ended({ cause: 'start-failed', reason: `PBS could not run the job (Exit_status ${status}).` });
  // 256 and a signal: the job's shell itself was ended by it.
  return ended(endedByShellCode(status > 256 ? status - 128 : status));
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

/** JOB_EXEC_… of pbs's job.h: what the node could not do, or ended the job for. */
const NEGATIVE: Readonly<Record<number, Explanation>> = {
  [-1]: { cause: 'start-failed', reason: 'PBS could not start the job: before its files were made.' },
  [-2]: { cause: 'start-failed', reason: 'PBS could not start the job: after its files were made.' },
  [-3]: { cause: 'start-failed', reason: 'PBS could not start the job, and would have tried again.' },
  [-27]: overLimit('mem'),
  [-29]: overLimit('walltime'),
};

/** Lines of the node in the log. */
function explainLog(log: string): Explanation | undefined {
  const limit = /^=>> PBS: job killed: (\w+)/m.exec(log)?.[1];
  return limit === undefined ? undefined : overLimit(limit);
}

function word(job: Job, key: string): string {
  const value = job[key];
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

// ---- PBS's JSON -----------------------------------------------------------------------------------------------------------------------------------

/** Its JSON is made by guess from text, and a variable of one job can spoil it: then each job's own lines are read. */
function readJobs(stdout: string): Readonly<Record<string, Job>> {
  const start = stdout.indexOf('{');
  if (start < 0) return {};
  try {
    const answer: unknown = JSON.parse(stdout.slice(start));
    const jobs = isRecord(answer) ? answer['Jobs'] : undefined;
    return isRecord(jobs)
      ? Object.fromEntries(Object.entries(jobs).filter((entry): entry is [string, Job] => isRecord(entry[1])))
      : {};
  } catch (error) {
    if (error instanceof SyntaxError) return readLines(stdout);
    throw error;
  }
}

const HEAD = /^\s*"(\d+(?:\[\d*\])?\.[\w.-]+)":\s*\{\s*$/;
/** Only what we use, and only where it stands as one value on its own line; the first one counts, since a user's variables come later. */
const FIELD =
  /^\s*"(job_state|substate|Exit_status|comment|exec_host|Hold_Types|stime|obittime|Job_Owner|Job_Name|depend|array)":\s*(".*"|-?\d+),?\s*$/;

function readLines(stdout: string): Readonly<Record<string, Job>> {
  const jobs: Record<string, Record<string, unknown>> = {};
  let job: Record<string, unknown> | undefined;
  for (const line of stdout.split('\n')) {
    const head = HEAD.exec(line)?.[1];
    if (head !== undefined) job = jobs[head] = {};
    const [, key, value] = FIELD.exec(line) ?? [];
    if (job !== undefined && key !== undefined && value !== undefined && !(key in job))
      job[key] = value.startsWith('"') ? value.slice(1, -1) : Number(value);
  }
  return jobs;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// ---- changes and searches -------------------------------------------------------------------------------------------------------------------------

function confirmChange(change: 'cancel' | 'hold' | 'release', result: CommandResult): void {
  if (result.exitCode === 0) return;
  const said = complaints(result);
  if (
    change === 'cancel' &&
    result.exitCode !== null &&
    said.length > 0 &&
    said.every((line) => /Unknown Job Id|Job has finished/i.test(line))
  )
    return;
  throw notChanged(TITLE, change, result);
}

function parseSearch(result: CommandResult): readonly NativeId[] {
  if (result.exitCode !== 0) throw noAnswer(TITLE, 'qselect', result);
  return result.stdout
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => SUBMIT_WORDS.id.test(line))
    .map(toNativeId);
}
