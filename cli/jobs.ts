// The commands about jobs: one function each, writing to the given terminal and giving an exit code.
import type { AgentConnection } from '../magics/client';
import { parseDuration, parseMemory } from '../magics/config/quantities';
import { showJob } from '../magics/job-shown';
import { act } from '../magics/monitor-actions';
import { UsageError } from '../magics/protocol/errors';
import { clusterLabel, isFinal, isUnfetched, type JobRecord } from '../magics/protocol/job';
import type { RetryResources } from '../magics/protocol/monitor';
import { OutputReader, type OutputRecord } from '../magics/protocol/output';
import type { Call, Flag } from './command';
import { EXIT } from './exit';
import { withAgent } from './session';
import { jobTable, sentenceOf, stateWord } from './show';
import type { Terminal } from './terminal';

export function tellJson(value: unknown, terminal: Terminal): void {
  terminal.out(`${JSON.stringify(value, null, 2)}\n`);
}

export const LIST_FLAGS: readonly Flag[] = [
  {
    name: 'state',
    short: 's',
    argument: 'STATE',
    help: 'Only those in this state: running, queued, done, failed …',
    isRepeatable: true,
  },
  { name: 'on', argument: 'NAME', values: 'cluster', help: 'Only those of this cluster.' },
  { name: 'last', short: 'n', argument: 'N', help: 'Only the newest N.' },
];

/** All of them; or all that is known of one, and what differs where it ran. */
export function listJobs({ words: [id], flags, terminal }: Call): Promise<number> {
  return withAgent(terminal, async (agent) => {
    if (id !== undefined) {
      const job = await agent.job(id);
      if (terminal.json) tellJson(job, terminal);
      else terminal.out(`${String(showJob(job, Date.now()).data['text/plain'])}\n`);
      return EXIT.done;
    }
    const states = flags.all('state');
    const on = flags.text('on');
    const fitting = (await agent.jobs()).filter(
      ({ status, spec }) =>
        (states.length === 0 || states.includes(status.state) || states.includes(stateWord(status))) &&
        (on === undefined || clusterLabel(spec.cluster) === on),
    );
    const jobs = fitting.slice(-wholeNumber('last', flags.text('last') ?? String(Math.max(1, fitting.length))));
    if (terminal.json) tellJson(jobs, terminal);
    else if (jobs.length === 0)
      terminal.out(
        fitting.length < 1 && states.length + Number(on !== undefined) > 0 ? 'No job fits.\n' : 'There are no jobs.\n',
      );
    else terminal.out(`${jobTable(jobs, Date.now(), terminal)}\n`);
    return EXIT.done;
  });
}

function wholeNumber(flag: string, text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new UsageError(`--${flag} takes a whole number from 1, not ${JSON.stringify(text)}.`);
}

export function printLog({ words, flags, terminal }: Call): Promise<number> {
  return withAgent(terminal, async (agent) => {
    const job = await agent.job(words[0] ?? '');
    if (terminal.json) await printRecords(agent, job, flags.has('follow'), terminal);
    else await print(agent, job, flags.has('follow'), terminal);
    return EXIT.done;
  });
}

async function* recordsOf(agent: AgentConnection, job: JobRecord, follow: boolean, signal: AbortSignal) {
  const reader = new OutputReader();
  for await (const { bytes } of agent.output(job.id, { follow, signal })) yield* reader.push(bytes);
}

/** One JSON value per line, as they come: a log may have no end for a while. */
async function printRecords(
  agent: AgentConnection,
  job: JobRecord,
  follow: boolean,
  terminal: Terminal,
): Promise<void> {
  for await (const { time, record } of recordsOf(agent, job, follow, terminal.signal))
    terminal.out(`${JSON.stringify({ time: new Date(time).toISOString(), ...record })}\n`);
}

async function print(agent: AgentConnection, job: JobRecord, follow: boolean, terminal: Terminal): Promise<void> {
  for await (const { record } of recordsOf(agent, job, follow, terminal.signal)) printRecord(record, terminal);
}

/** A terminal shows the text of a display. */
function printRecord(record: OutputRecord, terminal: Terminal): void {
  if (record.type === 'stdout') terminal.out(record.text);
  else if (record.type === 'stderr') terminal.err(record.text);
  else if (record.type === 'display' && record.update !== true) {
    const text = record.data['text/plain'];
    terminal.out(typeof text === 'string' ? `${text}\n` : `[${Object.keys(record.data).join(', ')}]\n`);
  }
}

export function attach({ words, terminal }: Call): Promise<number> {
  return withAgent(terminal, async (agent) => {
    const job = await agent.job(words[0] ?? '');
    const quiet = { ...terminal, out: terminal.err };
    // With --json standard output is for the one JSON value.
    await print(agent, job, true, terminal.json ? quiet : terminal);
    const last = await lastRecord(agent, job, terminal);
    if (terminal.json) tellJson(last, terminal);
    else terminal.err(`${sentenceOf(last)}\n`);
    if (!isFinal(last.status)) return EXIT.interrupted;
    if (last.status.state === 'completed' && last.deliveredAt === undefined && !terminal.json)
      terminal.err(`Run %cluster attach ${last.id} in a notebook to take its result there.\n`);
    return last.status.state === 'completed' && last.status.outcome === 'value' ? EXIT.done : EXIT.failed;
  });
}

/** Says on the terminal what it waits for meanwhile. */
async function lastRecord(agent: AgentConnection, job: JobRecord, terminal: Terminal): Promise<JobRecord> {
  let last = await agent.job(job.id);
  for await (const record of agent.watch(job.id, terminal.signal)) {
    last = record;
    if (!isFinal(record.status)) terminal.over(sentenceOf(record));
  }
  terminal.over('');
  return last;
}

export function cancel({ words, terminal }: Call): Promise<number> {
  return withAgent(terminal, async (agent) => {
    const before = await agent.job(words[0] ?? '');
    if (isFinal(before.status)) {
      if (terminal.json) tellJson(before, terminal);
      else terminal.err(`${sentenceOf(before)} There is nothing to cancel.\n`);
      return EXIT.done;
    }
    const last = await lastRecord(agent, await agent.cancel(before.id), terminal);
    if (terminal.json) tellJson(last, terminal);
    else terminal.err(`${sentenceOf(last)}\n`);
    return isFinal(last.status) ? EXIT.done : EXIT.interrupted;
  });
}

export function change(change: 'hold' | 'release', { words, terminal }: Call): Promise<number> {
  return withAgent(terminal, async (agent) => {
    const job = await agent.change((await agent.job(words[0] ?? '')).id, change);
    if (terminal.json) tellJson(job, terminal);
    else terminal.err(`Job ${job.id} is ${change === 'hold' ? 'held' : 'released'}.\n`);
    return EXIT.done;
  });
}

export const RETRY_FLAGS: readonly Flag[] = [
  { name: 'cores', short: 'c', argument: 'N', help: 'Cores of the new job; else those of the old one.' },
  { name: 'memory', short: 'm', argument: 'SIZE', help: 'Its memory, as 16GB.' },
  { name: 'time', short: 't', argument: 'TIME', help: 'Its wall time, as 2h.' },
];

export function retry({ words, flags, terminal }: Call): Promise<number> {
  return withAgent(terminal, async (agent) => {
    const old = await agent.job(words[0] ?? '');
    const [cores, memory, time] = [flags.text('cores'), flags.text('memory'), flags.text('time')];
    const resources: RetryResources = {
      ...(cores === undefined ? {} : { cores: wholeNumber('cores', cores) }),
      ...(memory === undefined ? {} : { memoryMiB: amount('memory', memory, parseMemory) }),
      ...(time === undefined ? {} : { wallTimeSeconds: amount('time', time, parseDuration) }),
    };
    const done = await act(agent, 'retry', old.id, resources);
    if (done.action !== 'retry') throw new TypeError('A retry was answered by another action.');
    const job = await agent.job(done.job);
    if (terminal.json) tellJson(job, terminal);
    else
      terminal.err(`Job ${job.id} does again what job ${old.id} did. \`cellburst attach ${job.id}\` waits for it.\n`);
    return EXIT.done;
  });
}

function amount(flag: string, text: string, parse: (text: string) => number | undefined): number {
  const value = parse(text);
  if (value !== undefined) return value;
  throw new UsageError(
    `--${flag} cannot be ${JSON.stringify(text)}: say it as in ${flag === 'memory' ? '16GB' : '1h30m'}.`,
  );
}

export const FORGET_FLAGS: readonly Flag[] = [{ name: 'unfetched', help: 'Also a result that is in no notebook yet.' }];

export function forget({ words, flags, terminal }: Call): Promise<number> {
  return withAgent(terminal, async (agent) => {
    const job = await agent.job(words[0] ?? '');
    if (!isFinal(job.status))
      throw new UsageError(
        `${sentenceOf(job)} Only what has ended can be forgotten: \`cellburst cancel ${job.id}\` first.`,
      );
    if (isUnfetched(job) && !flags.has('unfetched'))
      throw new UsageError(
        `Job ${job.id} has a result that is in no notebook yet. Bring it home there with %cluster attach ${job.id}, or say \`cellburst forget --unfetched ${job.id}\`.`,
      );
    await agent.discard(job.id);
    if (terminal.json) tellJson(job, terminal);
    else terminal.err(`Job ${job.id} is forgotten.\n`);
    return EXIT.done;
  });
}
