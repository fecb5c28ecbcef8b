// The home agent: one per user and machine, started on demand by a client. It owns the job store and the local scheduler, answers on a private
// socket, ends when it is idle, and finds everything again on disk.
//
//   node agent.js [--runner PROGRAM] [--cell PROGRAM]      environment: see settings.ts
//   node agent.js --bridge MARKER [--to-running | --bound]  see bridge.ts
//   node agent.js --allocation ORDERS                      see allocation.ts
// Exit codes: 0 done, or another agent is there already; 1 it cannot work, the reason is on standard error; 3 another machine's agent has taken over.
import { existsSync, mkdirSync, rmSync, utimesSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join as joinPath } from 'node:path';
import type { Duplex } from 'node:stream';
import { tryConnect } from '../client';
import { ClusterError, messageOf } from '../protocol/errors';
import { AGENT_PROTOCOL, type AgentStatus } from '../protocol/messages';
import { writeWhole } from '../protocol/files';
import { agentSocket, placeFile, privateDirectory } from '../protocol/platform';
import { VERSION } from '../protocol/version';
import { isFinal } from '../protocol/job';
import { JobStore, Jobs, keepResults, type Fence } from '../jobs';
import { endJobs, keepAllocation } from './allocation';
import { answerCalls } from './calling';
import { Contents, sweepSeen } from '../store';
import { Answers } from './answers';
import { sweepEnvironments } from './environments';
import { bridge, join, type Bridge } from './bridge';
import { Door } from './door';
import { clearInputs } from './job-inputs';
import { takeLock } from './lock';
import { Questions } from './questions';
import { Schedulers } from './schedulers';
import { Session } from './session';
import { readSettings, type Settings } from './settings';

const REFRESH_MS = 2000;
const SWEEP_MS = 600_000;
/** Clients get their last replies. */
const PARTING_MS = 200;

function log(line: string): void {
  console.error(`${new Date().toISOString()} ${process.pid} ${line}`);
}

/** An agent that lives as long as a connection: who is at its other end. */
type Only = Pick<Bridge, 'marker'>;

async function main(): Promise<void> {
  const settings = readSettings(process.argv.slice(2), process.env, __dirname);
  mkdirSync(settings.stateDirectory, { recursive: true, mode: 0o700 });
  const { bridge: way } = settings;
  if (way !== undefined && (await bridge(way, __filename, settings.stateDirectory))) return;
  const ending = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      ending.abort();
    });
  }
  process.on('SIGHUP', () => undefined);
  // Our log may lie on a disk that is full for a while.
  process.stderr.on('error', () => undefined);
  const lock = await takeLock(settings.stateDirectory);
  if (lock === undefined) {
    // Another connection was quicker; its agent may need a moment to listen.
    if (way !== undefined) await bridge({ ...way, start: 'detached' }, __filename, settings.stateDirectory);
    return;
  }
  const { fence } = lock;
  try {
    if (settings.allocation !== undefined)
      await keepAllocation(settings.allocation, ending.signal, (ready) => serve(settings, fence, ending, ready));
    else await serve(settings, fence, ending, () => void stayFor(way, settings, ending));
  } finally {
    lock.release();
  }
}

/** Where a site ends what stays behind, the agent is there for its one connection, and leaves with it. */
async function stayFor(only: Only | undefined, { stateDirectory }: Settings, ending: AbortController): Promise<void> {
  if (only === undefined) return;
  try {
    const own = await tryConnect(stateDirectory);
    if (own !== undefined) await join(only.marker, own);
  } catch (error) {
    log(`its connection failed: ${messageOf(error)}`);
  }
  ending.abort();
}

async function serve(
  settings: Settings,
  fence: Fence,
  ending: AbortController,
  ready: () => void = () => undefined,
): Promise<void> {
  const store = new JobStore(settings.stateDirectory, fence);
  const jobs = new Jobs({ store, retention: settings.retention, log });
  const contents = new Contents({ directory: joinPath(settings.stateDirectory, 'store'), limits: settings.store, log });
  const questions = new Questions();
  const schedulers = new Schedulers(settings, jobs, contents, questions, log);
  await jobs.recover(schedulers.all, ending.signal);
  keepResults(jobs, log);
  const sessions = new Set<Session>();
  const startedAt = Date.now();
  const finish = (): void => {
    // After the answer to whoever asked for it.
    setImmediate(() => {
      ending.abort();
    });
  };
  const status = (): AgentStatus =>
    describeAgent(settings, jobs, schedulers, { startedAt, connections: sessions.size });
  const answers = new Answers({
    stateDirectory: settings.stateDirectory,
    jobs,
    schedulers,
    contents,
    questions,
    status,
    signal: ending.signal,
    finish,
  });
  const accept = (socket: Duplex): void => {
    const session = new Session(socket, { answers, version: VERSION, log });
    sessions.add(session);
    void session.serve().then(() => {
      sessions.delete(session);
      const { client } = session;
      // When it is we who leave, the client goes on and tells the next agent how its claims ended.
      if (client === undefined || ending.signal.aborted) return;
      if (![...sessions].some((other) => other.client?.pid === client.pid)) jobs.releaseAll(client);
    });
  };
  const server = createServer(accept);
  const place = agentSocket(settings.stateDirectory, { isShared: settings.allocation !== undefined });
  if (place.directory !== undefined) {
    privateDirectory(place.directory);
    // We hold the lock: whoever listened there is gone.
    rmSync(place.path, { force: true });
  }
  await listen(server, place.path);
  writeWhole(placeFile(settings.stateDirectory), `${place.path}\n`);
  log(`Cellburst ${VERSION} listens at ${place.path}, ${jobs.list().length} jobs`);
  const sweep = (): void => {
    jobs.sweep();
    contents.sweep(Date.now());
    void clearInputs(jobs.list(), Date.now(), ending.signal, log);
    sweepEnvironments(settings.stateDirectory, jobs.list(), settings.store, Date.now());
    // What clears /tmp looks at times.
    if (place.directory !== undefined) utimesSync(place.path, new Date(), new Date());
    sweepSeen(joinPath(contents.directory, 'seen'), settings.store.days, Date.now());
  };
  const door =
    settings.allocation === undefined
      ? new Door({
          stateDirectory: settings.stateDirectory,
          accept,
          log,
          leave: finish,
          reasonToStay: () => busyHere(jobs),
        })
      : undefined;
  ready();
  const { allocation } = settings;
  const calls = allocation === undefined ? undefined : answerCalls(allocation, accept, ending.signal);
  await untilDone(settings, { jobs, sweep, door }, sessions, ending);
  door?.close();
  if (settings.allocation !== undefined) await endJobs(jobs);
  await calls;
  server.close();
  for (const session of sessions) session.close();
  await schedulers.close();
  rmSync(placeFile(settings.stateDirectory), { force: true });
  if (place.directory !== undefined) rmSync(place.path, { force: true });
  log('done');
}

/** Jobs of a batch system are looked after from anywhere; those of this machine are not. */
function busyHere(jobs: Jobs): string | undefined {
  const open = jobs.list().filter(({ spec, status }) => spec.cluster === 'local' && !isFinal(status));
  return open.length === 0 ? undefined : `${open.length} of its jobs run on that machine`;
}

/** Settles when the agent was asked to end, has been idle for long enough, or its state directory is gone. */
function untilDone(
  settings: Settings,
  { jobs, sweep, door }: { readonly jobs: Jobs; readonly sweep: () => void; readonly door: Door | undefined },
  sessions: ReadonlySet<Session>,
  ending: AbortController,
): Promise<void> {
  let busyAt = Date.now();
  let sweptAt = 0;
  const tick = (): void => {
    if (!existsSync(settings.stateDirectory)) ending.abort();
    door?.look();
    jobs.refresh();
    if (Date.now() - sweptAt > SWEEP_MS) {
      sweptAt = Date.now();
      sweep();
    }
    // Nodes are not kept for somebody who only looks on.
    const isWatched = settings.allocation === undefined && sessions.size > 0;
    const isBusy =
      isWatched || jobs.list().some(({ status: { state }, status }) => !isFinal(status) && state !== 'preparing');
    if (isBusy) busyAt = Date.now();
    else if (Date.now() - busyAt >= settings.idleMs) ending.abort();
  };
  return new Promise((resolve) => {
    const timer = setInterval(
      () => {
        try {
          tick();
        } catch (error) {
          log(`a look at the jobs failed: ${String(error)}`);
        }
      },
      Math.min(REFRESH_MS, Math.max(50, settings.idleMs / 4)),
    );
    ending.signal.addEventListener('abort', () => {
      clearInterval(timer);
      resolve();
    });
  });
}

function listen(server: Server, path: string): Promise<void> {
  // Between bind and chmod nobody but us may connect: the directory is private anyway.
  const before = process.umask(0o177);
  return new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  }).finally(() => {
    process.umask(before);
  });
}

function describeAgent(
  settings: Settings,
  jobs: Jobs,
  schedulers: Schedulers,
  own: { readonly startedAt: number; readonly connections: number },
): AgentStatus {
  const counts = { preparing: 0, queued: 0, running: 0, ended: 0 };
  for (const { status } of jobs.list()) {
    if (isFinal(status)) counts.ended += 1;
    else if (status.state === 'preparing' || status.state === 'running') counts[status.state] += 1;
    else counts.queued += 1;
  }
  const load = schedulers.local?.load?.();
  return {
    protocol: AGENT_PROTOCOL,
    version: VERSION,
    pid: process.pid,
    node: process.version,
    ...own,
    stateDirectory: settings.stateDirectory,
    cores: load?.cores ?? { total: 0, used: 0 },
    memoryMiB: load?.memoryMiB ?? { total: 0, promised: 0 },
    jobs: counts,
    warm: load?.warm ?? 0,
  };
}

main().then(
  () => {
    // Runners are children that outlive us; what is left to write has a moment.
    setTimeout(() => {
      process.exit(0);
    }, PARTING_MS);
  },
  (error: unknown) => {
    console.error(ClusterError.is(error) ? error.message : error);
    process.exit(1);
  },
);
