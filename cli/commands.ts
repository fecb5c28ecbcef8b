// The commands about jobs and the agent: one function each, writing to the given streams and giving an exit code.
import { connectAgent, type AgentConnection } from '../magics/client';
import { AgentError, UsageError } from '../magics/protocol/errors';
import { isFinal, type JobRecord } from '../magics/protocol/job';
import { OutputReader, type OutputRecord } from '../magics/protocol/output';
import { agentLines, jobTable, sentenceOf } from './show';
import { EXIT } from './usage';

export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly columns: number;
  readonly json: boolean;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

async function withAgent(action: (agent: AgentConnection) => Promise<number>): Promise<number> {
  await using agent = await connectAgent();
  return await action(agent);
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

export function listJobs(terminal: Terminal): Promise<number> {
  return withAgent(async (agent) => {
    const jobs = await agent.jobs();
    if (terminal.json) terminal.out(toJson(jobs));
    else if (jobs.length === 0) terminal.out('There are no jobs.\n');
    else terminal.out(`${jobTable(jobs, Date.now(), terminal.columns)}\n`);
    return EXIT.done;
  });
}

export function printLog(id: string, follow: boolean, terminal: Terminal): Promise<number> {
  return withAgent(async (agent) => {
    const job = await agent.job(id);
    await print(agent, job, follow, terminal);
    return terminal.signal.aborted ? EXIT.interrupted : EXIT.done;
  });
}

async function print(agent: AgentConnection, job: JobRecord, follow: boolean, terminal: Terminal): Promise<void> {
  const reader = new OutputReader();
  for await (const { bytes } of agent.output(job.id, { follow, signal: terminal.signal })) {
    for (const { record } of reader.push(bytes)) printRecord(record, terminal);
  }
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

export function attach(id: string, terminal: Terminal): Promise<number> {
  return withAgent(async (agent) => {
    const job = await agent.job(id);
    const quiet = { ...terminal, out: terminal.err };
    // With --json standard output is for the one JSON value.
    await print(agent, job, true, terminal.json ? quiet : terminal);
    const last = await lastRecord(agent, job, terminal.signal);
    if (terminal.json) terminal.out(toJson(last));
    else terminal.err(`${sentenceOf(last)}\n`);
    if (!isFinal(last.status)) return EXIT.interrupted;
    if (last.status.state === 'completed' && last.deliveredAt === undefined && !terminal.json)
      terminal.err(`Run %cluster attach ${last.id} in a notebook to take its result there.\n`);
    return last.status.state === 'completed' && last.status.outcome === 'value' ? EXIT.done : EXIT.failed;
  });
}

async function lastRecord(agent: AgentConnection, job: JobRecord, signal: AbortSignal): Promise<JobRecord> {
  let last = await agent.job(job.id);
  for await (const record of agent.watch(job.id, signal)) last = record;
  return last;
}

export function cancel(id: string, terminal: Terminal): Promise<number> {
  return withAgent(async (agent) => {
    const before = await agent.job(id);
    if (isFinal(before.status) && !terminal.json) {
      terminal.err(`${sentenceOf(before)} There is nothing to cancel.\n`);
      return EXIT.done;
    }
    const last = await lastRecord(agent, await agent.cancel(before.id), terminal.signal);
    if (terminal.json) terminal.out(toJson(last));
    else terminal.err(`${sentenceOf(last)}\n`);
    return isFinal(last.status) ? EXIT.done : EXIT.interrupted;
  });
}

export function change(change: 'hold' | 'release', id: string, terminal: Terminal): Promise<number> {
  return withAgent(async (agent) => {
    const job = await agent.change((await agent.job(id)).id, change);
    if (terminal.json) terminal.out(toJson(job));
    else terminal.err(`Job ${job.id} is ${change === 'hold' ? 'held' : 'released'}.\n`);
    return EXIT.done;
  });
}

/** Neither question starts an agent. */
export async function agentCommand(word: string | undefined, terminal: Terminal): Promise<number> {
  if (word !== 'status' && word !== 'stop')
    throw new UsageError(
      `Cannot ${word === undefined ? 'guess what to do with the agent' : `"${word}" the agent`}: status or stop?`,
    );
  let agent: AgentConnection;
  try {
    agent = await connectAgent({ isPassive: true });
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    if (terminal.json) terminal.out(toJson(null));
    else terminal.err(`${error.message}\n`);
    return word === 'stop' ? EXIT.done : EXIT.failed;
  }
  await using connection = agent;
  const status = await connection.status();
  if (word === 'status') {
    terminal.out(terminal.json ? toJson(status) : `${agentLines(status, Date.now())}\n`);
    return EXIT.done;
  }
  await connection.finish();
  if (!terminal.json)
    terminal.err(`The agent ends. ${status.jobs.running + status.jobs.queued} jobs go on or wait for the next one.\n`);
  return EXIT.done;
}
