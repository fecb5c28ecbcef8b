// Grid Engine's commands and words. Recorded and run on Son of Grid Engine 8.1.9: qstat(1), qsub(1), accounting(5), sge_status(5). Univa and Open Grid
// Scheduler print the same forms, with more fields. qstat knows living jobs only, and is asked for all of this user's, since its XML form takes no ids;
// qacct reads ended ones from a file, one id at a time. A job may be in neither for a second.
import type { NativeId } from '../protocol/job';
import { noAnswer, notChanged, parseTime, readSubmission, toNativeId, wordsOf } from './answer';
import type { BatchDialect, BatchJob, CommandResult, Observation, Observations } from './dialect';
import { accountingRows, parseAccounting, saysNothing } from './gridengine-accounting';
import { nativeArguments, nativeName, plainWord, refuse, wholeNumber } from './request';
import type { Sighting } from './scheduler';
import { UsageError } from '../protocol/errors';
import { forEach, withEnvironment } from '../transports/shell';
import { blocks, element, elements } from './xml';

const TITLE = 'Grid Engine';
const LOG = 'scheduler.log';
const CLOCK = { TZ: 'UTC' };
// `$user` is qstat's own word for whoever asks, and needs no shell.
const QUEUE = withEnvironment(CLOCK, ['qstat', '-u', '$user', '-xml']);

export const gridEngine: BatchDialect = {
  name: 'gridengine',
  title: TITLE,
  directives: (job) => options(job).map((option) => `#$ ${option}`),
  submitCommand: (job, scriptPath) => [
    'qsub',
    '-terse',
    ...nativeArguments(job, IDENTITY),
    ...identity(job),
    scriptPath,
  ],
  parseSubmit: (result) => readSubmission(result, SUBMIT_WORDS),
  logPath: (job) => `${job.directory}/${LOG}`,
  statusCommand: () => QUEUE,
  parseStatus: parseQueue,
  historyCommand: (ids) => withEnvironment(CLOCK, forEach(['qacct', '-j'], ids)),
  parseHistory: parseAccounting,
  explain: { command: (id) => ['qstat', '-xml', '-j', id], parse: parseExplanation },
  // Against the cluster as it is defined, as if it were empty (qsub(1), -w v).
  verify: { command: (id) => ['qalter', '-w', 'v', id], parse: parseVerification },
  explainLog: () => undefined,
  changeCommand: (change, ids) => [CHANGES[change], ...ids],
  confirmChange,
  probes: [
    {
      check: 'Grid Engine',
      command: ['qconf', '-sql'],
      read: ({ exitCode, stdout }) => (exitCode === 0 ? `queues: ${stdout.trim().replace(/\s+/g, ', ')}` : undefined),
      remedy: 'Its master cannot be reached from there. Is SGE_ROOT set, by setup: if need be?',
    },
    {
      check: 'parallel environments',
      command: ['qconf', '-spl'],
      read: ({ exitCode, stdout }) => (exitCode === 0 ? stdout.trim().replace(/\s+/g, ', ') : undefined),
      remedy: 'Without one, a cell gets one core only. Ask the administrator for one with allocation_rule $pe_slots.',
    },
  ],
  searches: (name) => [
    { command: QUEUE, parse: (result) => searchQueue(name, result) },
    { command: ['qacct', '-j', name], parse: (result) => searchAccounting(name, result) },
  ],
};

const CHANGES = { cancel: 'qdel', hold: 'qhold', release: 'qrls' } as const;

const IDENTITY = /^-(N|o|e|j|i|wd|cwd|terse|t|tc|b|sync|now|S|C|@|r|verify|w)$/;

function identity(job: BatchJob): readonly string[] {
  // Paths of qsub have words of their own: host:path, and $HOME, $JOB_ID and the like (qsub(1), -o).
  if (/[$:,]/.test(job.directory))
    throw new UsageError(
      `${TITLE} cannot write into ${JSON.stringify(job.directory)}: qsub gives $ : and , in paths a meaning. Set another store for this cluster.`,
    );
  return ['-N', nativeName(job), '-wd', job.directory, '-j', 'y', '-o', `${job.directory}/${LOG}`];
}

function options(job: BatchJob): readonly string[] {
  const ask = job.resources;
  const { parallelEnvironment, memoryResource = 'h_vmem', gpuResource } = job.site;
  const tasks = wholeNumber('--tasks', ask.tasks ?? 1);
  const slots = wholeNumber('--cores', ask.cores) * tasks;
  // Not run twice without being asked; its own shell whatever the queue's shell_start_mode says.
  const lines = ['-S /bin/sh', '-r n', '-m n'];
  if ((ask.nodes ?? 1) > 1)
    refuse(TITLE, '--nodes', 'Its parallel environments place the slots: ask for --tasks in one that spreads them.');
  if (slots > 1) {
    if (parallelEnvironment === undefined)
      refuse(
        TITLE,
        'way known here to give a job several cores',
        'Set parallelEnvironment for this cluster; `qconf -spl` lists those there are.',
      );
    lines.push(`-pe ${plainWord('parallelEnvironment', parallelEnvironment)} ${slots}`);
  }
  // Counted per slot.
  if (ask.memoryMiB !== undefined)
    lines.push(
      `-l ${plainWord('memoryResource', memoryResource)}=${Math.ceil(wholeNumber('--memory', ask.memoryMiB) / slots)}M`,
    );
  if (ask.gpus !== undefined && ask.gpus > 0) {
    if (gpuResource === undefined)
      refuse(TITLE, 'name for GPUs known here', 'Set gpuResource for this cluster; `qconf -sc` lists its resources.');
    lines.push(`-l ${plainWord('gpuResource', gpuResource)}=${wholeNumber('--gpus', ask.gpus)}`);
  }
  if (ask.wallTimeSeconds !== undefined) lines.push(`-l h_rt=${Math.ceil(ask.wallTimeSeconds)}`);
  if (ask.queue !== undefined) lines.push(`-q ${plainWord('--queue', ask.queue, /^[\w.@,*-]+$/)}`);
  // What other systems call an account is a project here; -A is only a note for the books.
  if (ask.account !== undefined) lines.push(`-P ${plainWord('--account', ask.account)}`);
  if (ask.reservation !== undefined) lines.push(`-ar ${plainWord('--reservation', ask.reservation, /^\d+$/)}`);
  if (ask.qos !== undefined) refuse(TITLE, '--qos', 'Choose a queue or an account instead.');
  if (ask.constraint !== undefined)
    refuse(TITLE, '--constraint', "Ask for the site's resource by --native '-l NAME=VALUE'.");
  if (ask.exclusive === true)
    refuse(TITLE, '--exclusive', "Where the site has a resource for it, ask by --native '-l exclusive=true'.");
  return lines;
}

const SUBMIT_WORDS = {
  // An array is `53.1-5:1`.
  id: /^(?:Your job(?:-array)? )?(\d+)(?:\.\d+-\d+:\d+)?(?: \(".*"\) has been submitted)?$/,
  unreachable:
    /got send error|Connection refused|unable to (contact|send message to) qmaster|can't resolve hostname|Unable to initialize environment/i,
  uncertain: /Error reading answer list|got read error|timeout|connection (reset|closed)/i,
};

// ---- living jobs: qstat -xml ----------------------------------------------------------------------------------------------------------------------

/** Letters of a state combine; they are read as a set (qstat(1), sge_status(5)). A letter that is not here makes the state unknown. */
const LETTERS = new Set('qwhrtRsSTdEPNz');
const MOST_TASKS = 100_000;
const MOST_REASONS = 3;

function parseQueue(result: CommandResult): Observations {
  if (result.exitCode !== 0 || !result.stdout.includes('<job_info')) throw noAnswer(TITLE, 'qstat', result);
  const seen = new Map<NativeId, Observation>();
  for (const block of blocks(result.stdout, 'job_list')) {
    const job = element(block, 'JB_job_number');
    const state = element(block, 'state');
    if (job === undefined || !/^\d+$/.test(job) || state === undefined) continue;
    const observation = observe(state, block);
    for (const id of taskIds(job, element(block, 'tasks'))) seen.set(id, observation);
  }
  return seen;
}

/** `5,6` and `1-9:2` of an array's waiting tasks; a job that is no array has no tasks. */
function taskIds(job: string, tasks: string | undefined): readonly NativeId[] {
  if (tasks === undefined || tasks === '') return [toNativeId(job)];
  return tasks.split(',').flatMap((range) => {
    const found = /^(\d+)(?:-(\d+)(?::(\d+))?)?$/.exec(range.trim());
    if (found === null) return [];
    const [first, last, step] = [Number(found[1]), Number(found[2] ?? found[1]), Math.max(1, Number(found[3] ?? 1))];
    const count = Math.min(MOST_TASKS, Math.floor((last - first) / step) + 1);
    return Array.from({ length: Math.max(0, count) }, (_, i) => toNativeId(`${job}.${first + i * step}`));
  });
}

function observe(state: string, block: string): Observation {
  const letters = new Set(state);
  const has = (letter: string) => letters.has(letter);
  const words = state;
  const queued = (reason: string): Sighting => ({ state: 'queued', reason });
  const again = has('R') ? 'It was put back into the queue. ' : '';
  if (state === '' || [...letters].some((letter) => !LETTERS.has(letter)))
    return { sighting: { state: 'unknown', raw: state }, words };
  // Ended lately; how, only qacct knows.
  if (has('z')) return { sighting: { state: 'unknown', raw: state }, words };
  // Stays until an administrator clears it (then the job starts after all) or somebody deletes it.
  if (has('E'))
    return { sighting: queued('Grid Engine could not start it and keeps it in error state.'), words, stuck: true };
  if (has('s')) return { sighting: queued('It is suspended by a person.'), words };
  if (has('S') || has('P')) return { sighting: queued('It is suspended, since its queue is.'), words };
  if (has('T')) return { sighting: queued('It is suspended until the load of its node falls.'), words };
  if (has('N')) return { sighting: { state: 'unknown', raw: state }, words };
  if (has('r') || has('t')) {
    const node = element(block, 'queue_name')?.split('@')[1];
    return {
      sighting: {
        state: 'running',
        since: parseTime(element(block, 'JAT_start_time')) ?? 0,
        ...(node === undefined ? {} : { node }),
      },
      words,
    };
  }
  if (has('h')) return { sighting: queued(`${again}It is held, by a person or until another job ends.`), words };
  if (has('q') || has('w'))
    return {
      sighting: has('d')
        ? queued('It is being deleted.')
        : { state: 'queued', ...(again === '' ? {} : { reason: again.trim() }) },
      words,
    };
  // `Rq` has neither w nor h; `d` alone says nothing about where it is.
  return { sighting: has('R') ? queued(again.trim()) : { state: 'unknown', raw: state }, words };
}

/** The reasons in `qstat -xml -j ID`: of the error first, else of the scheduler, each once. */
function parseExplanation(result: CommandResult): string | undefined {
  if (result.exitCode !== 0) return undefined;
  const errors = elements(result.stdout, 'QIM_message').map((text) =>
    text.replace(/^\S+ \S+ (\[\S+\]: )?/, '').replace(/^error: /, ''),
  );
  const found = [...new Set(errors.length > 0 ? errors : elements(result.stdout, 'MES_message'))];
  if (found.length === 0) return undefined;
  const more = found.length > MOST_REASONS ? `; and ${found.length - MOST_REASONS} more` : '';
  return `${found.slice(0, MOST_REASONS).join('; ')}${more}`;
}

/** What no queue offers, each once; undefined: some queue could take it. */
function parseVerification({ stdout, stderr }: CommandResult): string | undefined {
  const lines = `${stdout}\n${stderr}`.split('\n').map((line) => line.trim());
  if (!lines.includes('verification: no suitable queues')) return undefined;
  const why = lines.flatMap((line) => /^Job \S+ (?:\(.*?\) )?(cannot run .*)$/.exec(line)?.[1] ?? []);
  const shown = [...new Set(why)].slice(0, MOST_REASONS).join('; ');
  return shown === '' ? 'No queue can ever take it.' : `No queue can ever take it: it ${shown}.`;
}

// ---- changes and searches -------------------------------------------------------------------------------------------------------------------------

/** qdel answers for each job on a line of its own: `has deleted`, `has registered … for deletion` (which is not yet done), `denied: … does not exist`. */
function confirmChange(change: 'cancel' | 'hold' | 'release', result: CommandResult): void {
  if (result.exitCode === 0) return;
  const lines = `${result.stdout}\n${result.stderr}`.split('\n').filter((line) => line.trim() !== '');
  const fine = /has deleted (job|task)|has registered the job|forced the deletion|modified hold of job/;
  const nothingLeft = /^denied: job "\d+(\.\d+)?" does not exist$/;
  if (
    change === 'cancel' &&
    result.exitCode !== null &&
    lines.length > 0 &&
    lines.every((line) => fine.test(line) || nothingLeft.test(line.trim()))
  )
    return;
  throw notChanged(TITLE, change, result);
}

function searchQueue(name: string, result: CommandResult): readonly NativeId[] {
  if (result.exitCode !== 0 || !result.stdout.includes('<job_info')) throw noAnswer(TITLE, 'qstat', result);
  const found = blocks(result.stdout, 'job_list').filter((block) => element(block, 'JB_name') === name);
  return [...new Set(found.flatMap((block) => taskIds(element(block, 'JB_job_number') ?? '', undefined)))];
}

function searchAccounting(name: string, result: CommandResult): readonly NativeId[] {
  const rows = accountingRows(result.stdout).filter((row) => row['jobname'] === name);
  if (rows.length === 0 && !saysNothing(result)) throw noAnswer(TITLE, `qacct (${wordsOf(result)})`, result);
  return [...new Set(rows.map((row) => toNativeId(row['jobnumber'] ?? '')))];
}
