// Where the tests of agent and runner take place: a state directory of their own, real processes, everything ended and removed afterwards.
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAgent, type AgentConnection, type ConnectOptions } from '../../magics/client';
import { isFinal, type JobRecord, type JobSpec, type Resources } from '../../magics/protocol/job';
import { BUNDLE_FILE, HEARTBEAT_FILE } from '../../magics/protocol/layout';
import { OutputReader } from '../../magics/protocol/output';
import { isAlive, sendSignal } from '../../magics/protocol/platform';
import { heartbeat, type Heartbeat } from '../../magics/protocol/run';
import { Notebook } from '../capture/notebook';
import { captureCell, forgetCapture } from '../../magics/capture';
import { count, parseJson, record } from '../../magics/protocol/shape';

const ROOT = resolve(__dirname, '..', '..');
const AGENT = join(ROOT, 'dist', 'agent.js');
/** Nothing here takes as long, even on a busy machine. */
export const PATIENCE_MS = 30_000;

export class Setting implements AsyncDisposable {
  readonly stateDirectory: string;
  readonly #connections: AgentConnection[] = [];

  constructor(parent = tmpdir()) {
    this.stateDirectory = mkdtempSync(join(parent, 'cb-'));
  }

  async connect(options: ConnectOptions = {}): Promise<AgentConnection> {
    const connection = await connectAgent({
      stateDirectory: this.stateDirectory,
      agent: [AGENT],
      ...options,
    });
    this.#connections.push(connection);
    return connection;
  }

  /** The process id of the agent that holds the lock, if there is one. */
  agentPid(): number | undefined {
    const lock = join(this.stateDirectory, 'agent.lock');
    if (!existsSync(lock)) return undefined;
    return parseJson(readFileSync(lock, 'utf8'), record({ process: record({ pid: count }) }), lock).process.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) await connection[Symbol.asyncDispose]();
    const agent = this.agentPid();
    if (agent !== undefined) {
      sendSignal(agent, 'SIGTERM');
      await until('the agent has ended', () => !isAlive({ pid: agent }));
    }
    const jobs = join(this.stateDirectory, 'jobs');
    for (const id of existsSync(jobs) ? readdirSync(jobs) : []) await endRunner(join(jobs, id));
    rmSync(this.stateDirectory, { recursive: true, force: true });
  }
}

/** For jobs that a test has left running. */
async function endRunner(directory: string): Promise<void> {
  const beat = readBeat(directory);
  if (beat === undefined) return;
  for (const identity of [beat.runner, beat.cell]) {
    if (!isAlive(identity)) continue;
    sendSignal(identity.pid, 'SIGKILL');
    await until('a process of the test has ended', () => !isAlive(identity));
  }
}

export function readBeat(directory: string): Heartbeat | undefined {
  const path = join(directory, HEARTBEAT_FILE);
  return existsSync(path) ? parseJson(readFileSync(path, 'utf8'), heartbeat, path) : undefined;
}

export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`Waited ${PATIENCE_MS / 1000} s in vain until ${what}.`);
    await sleep(10);
  }
}

export function specOf(resources: Partial<Resources> = {}, environment: Record<string, string> = {}): JobSpec {
  return {
    name: 'test',
    cluster: 'local',
    resources: { cores: 1, ...resources },
    environment,
    origin: { client: 'cli', pid: process.pid, directory: process.cwd() },
    summary: 'a test',
  };
}

/**
 * Captures a real cell that runs this JavaScript. It can `print(text, 1 | 2)`, ends when it calls `finish()` (or `finish("error")`, by a throw),
 * and knows the job's `directory`.
 */
export async function writeBundle(directory: string, code: string): Promise<void> {
  const cell = `%%cluster
const directory = process.cwd().slice(0, -'/work'.length);
const print = (text, stream = 1) => (stream === 1 ? process.stdout : process.stderr).write(text);
await new Promise((resolve, reject) => {
const finish = (how) => how === 'error' ? reject(new Error('thrown as asked')) : resolve();
${code}
});`;
  const notebook = new Notebook();
  try {
    const bundlePath = join(directory, BUNDLE_FILE);
    const { captureId } = await captureCell(notebook.realm, { cell: notebook.lower(cell), bundlePath });
    forgetCapture(notebook.realm, captureId);
  } finally {
    notebook.close();
  }
}

/** Submits a job that runs this JavaScript, see writeBundle. */
export async function submit(
  agent: AgentConnection,
  code: string,
  resources: Partial<Resources> = {},
  environment: Record<string, string> = {},
): Promise<JobRecord> {
  const job = await agent.create(specOf(resources, environment));
  await writeBundle(job.directory, code);
  return await agent.submit(job.id);
}

/** The record once the job has ended. */
export async function ended(agent: AgentConnection, job: JobRecord): Promise<JobRecord> {
  let last = job;
  for await (const record of agent.watch(job.id, AbortSignal.timeout(PATIENCE_MS))) last = record;
  if (!isFinal(last.status)) throw new Error(`Job ${job.id} has not ended: ${JSON.stringify(last.status)}`);
  return last;
}

export async function running(agent: AgentConnection, job: JobRecord): Promise<JobRecord> {
  for await (const record of agent.watch(job.id, AbortSignal.timeout(PATIENCE_MS))) {
    if (record.status.state === 'running') return record;
    if (isFinal(record.status)) throw new Error(`Job ${job.id} ended: ${JSON.stringify(record.status)}`);
  }
  throw new Error(`Job ${job.id} never ran.`);
}

export async function run(
  agent: AgentConnection,
  code: string,
  resources: Partial<Resources> = {},
): Promise<JobRecord> {
  return await ended(agent, await submit(agent, code, resources));
}

/** All text of a job's output. */
export async function textOf(agent: AgentConnection, id: string, from = 0): Promise<string> {
  const reader = new OutputReader();
  let text = '';
  for await (const { bytes } of agent.output(id, { from, signal: AbortSignal.timeout(PATIENCE_MS) })) {
    for (const { record } of reader.push(bytes)) if ('text' in record) text += record.text;
  }
  return text;
}
