// A home agent in this process, of the same parts as the real one, whose jobs the test reports on as a scheduler does: for arrays, which nobody submits yet, and for
// more jobs than a machine could run.
import { mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Answers } from '../../magics/agent/answers';
import { Questions } from '../../magics/agent/questions';
import { Schedulers } from '../../magics/agent/schedulers';
import { Session } from '../../magics/agent/session';
import { readSettings } from '../../magics/agent/settings';
import { JobStore, Jobs } from '../../magics/jobs';
import { writeWhole } from '../../magics/protocol/files';
import { AGENT_PROTOCOL, type AgentStatus } from '../../magics/protocol/messages';
import { agentSocket, placeFile, privateDirectory } from '../../magics/protocol/platform';
import { VERSION } from '../../magics/protocol/version';
import { Contents } from '../../magics/store';

export interface GeneratedAgent {
  readonly jobs: Jobs;
  close(): Promise<void>;
}

export async function startGeneratedAgent(stateDirectory: string): Promise<GeneratedAgent> {
  const log = (): void => undefined;
  const env = { ...process.env, CELLBURST_STATE_DIR: stateDirectory };
  const read = readSettings([], env, join(__dirname, '..', '..', 'dist'));
  // A machine of any size: nothing runs on it.
  const settings = { ...read, local: { ...read.local, machine: { ...read.local.machine, cores: 64, memoryMiB: 1e6 } } };
  mkdirSync(stateDirectory, { recursive: true, mode: 0o700 });
  const ending = new AbortController();
  const jobs = new Jobs({ store: new JobStore(stateDirectory), retention: settings.retention, log });
  const contents = new Contents({ directory: join(stateDirectory, 'store'), limits: settings.store, log });
  const questions = new Questions();
  const schedulers = new Schedulers(settings, jobs, contents, questions, log);
  await jobs.recover(schedulers.all, ending.signal);
  const status = (): AgentStatus => ({
    ...{ protocol: AGENT_PROTOCOL, version: VERSION, pid: process.pid, node: process.version, startedAt: 0 },
    ...{ stateDirectory, connections: 0, cores: { total: 2, used: 0 }, memoryMiB: { total: 1024, promised: 0 } },
    ...{ jobs: { preparing: 0, queued: 0, running: 0, ended: 0 }, warm: 0 },
  });
  const facts = { stateDirectory, jobs, schedulers, contents, questions, status, signal: ending.signal };
  const answers = new Answers({ ...facts, finish: () => undefined });
  const sessions = new Set<Session>();
  const server = createServer((socket) => {
    const session = new Session(socket, { answers, version: VERSION, log });
    sessions.add(session);
    void session.serve();
  });
  const place = agentSocket(stateDirectory);
  if (place.directory !== undefined) privateDirectory(place.directory);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(place.path, resolve);
  });
  writeWhole(placeFile(stateDirectory), `${place.path}\n`);
  return {
    jobs,
    close: async () => {
      ending.abort();
      for (const session of sessions) session.close();
      await new Promise((resolve) => server.close(resolve));
      await schedulers.close();
      rmSync(placeFile(stateDirectory), { force: true });
    },
  };
}
