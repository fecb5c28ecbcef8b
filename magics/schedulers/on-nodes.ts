// The quickest way to a job's worker: nodes that are granted at once or not at all, and a step on them that depends on no process of this machine. A batch
// job waits for the scheduler's next turn instead. Whatever is left of a request that came to nothing is given back, and that is confirmed, before the
// job goes to the queue.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { claimPath } from '../protocol/claim';
import { SchedulerError } from '../protocol/errors';
import type { JobSpec, NativeId } from '../protocol/job';
import { HEARTBEAT_FILE, OUTCOME_FILE } from '../protocol/layout';
import { identify, isAlive, readTree, sendSignal } from '../protocol/platform';
import type { ProcessIdentity } from '../protocol/run';
import { endedBySignal } from './answer';
import { askHere, type RunCommand } from './commands';
import type { BatchDialect, BatchJob, NodesDialect } from './dialect';
import { nativeName } from './request';
import type { Explanation } from './scheduler';
import { keepSubmission, type Submission } from './submission';
import type { Argv } from '../transports/shell';

/** Longer than this, and the queue is where the job belongs. */
export const PATIENCE_SECONDS = 5;
/** From a step's start to the first word of its worker. */
const START_MS = 180_000;
/**
 * A step whose client is gone cannot tell it of its end, tries to for 2.5 s (22.05), and keeps its node from other jobs for as long. So a short cell keeps its
 * client: the next one would wait.
 */
const CLIENT_MS = 10_000;
const LOOK_MS = 500;

export interface NodesDesk {
  readonly dialect: BatchDialect;
  readonly nodes: NodesDialect;
  readonly run: RunCommand;
}

/** A worker whose start has been asked for. */
export interface StartedWorker {
  readonly id: NativeId;
  /** On this machine. */
  readonly client: ProcessIdentity | undefined;
  /** It has begun: some time later, or now, nothing here keeps it alive any more. */
  letGo(when: 'later' | 'now'): void;
  /** Its client has ended, in its own words; after `letGo` that means nothing. */
  readonly lost: Promise<void>;
}

/** Does it start on nodes of its own? What only the submit command of batch jobs understands, or needs several tasks, does not. */
export function suitsNodes({ isAwaited, allocation, batch }: JobSpec): boolean {
  const { native, nodes = 1, tasks = 1 } = batch ?? {};
  return isAwaited === true && allocation === undefined && (native ?? []).length === 0 && nodes === 1 && tasks === 1;
}

export function nodesDesk(dialect: BatchDialect, run: RunCommand): NodesDesk | undefined {
  return dialect.nodes === undefined ? undefined : { dialect, run, nodes: dialect.nodes };
}

/** `busy`: no nodes now, and something may be left of the request: `giveBack` is next. `refused`: nothing is. */
export async function startOnNodes(
  desk: NodesDesk,
  job: BatchJob,
  paths: { readonly script: string; readonly log: string },
  before: Submission,
  signal: AbortSignal,
): Promise<StartedWorker | 'busy' | 'refused'> {
  const { nodes } = desk;
  const asked = { ...before, tries: before.tries + 1, way: 'nodes' as const };
  keepSubmission(job.directory, asked);
  const answer = nodes.parseAnswer(await askHere(nodes.askCommand(job, PATIENCE_SECONDS), signal));
  if (answer.outcome === 'refused') return 'refused';
  if (answer.outcome !== 'granted') return 'busy';
  keepSubmission(job.directory, { ...asked, nativeId: answer.id });
  const worker = startWorker(answer.id, nodes.workerCommand(answer.id, job, workerScript(nodes, paths)), paths.log);
  const { client } = worker;
  if (client !== undefined) keepSubmission(job.directory, { ...asked, nativeId: answer.id, client });
  return worker;
}

const LAST_WORDS = 'cellburst: the runner of this job was ended by signal';

/** What a worker has said of its runner's end. */
export function explainWorker(log: string): Explanation | undefined {
  const signal = new RegExp(`^${LAST_WORDS} (\\d+)$`, 'm').exec(log)?.[1];
  return signal === undefined ? undefined : endedBySignal(Number(signal));
}

/** The batch script as it is; then the nodes are given back from inside, whoever else is dead. */
export function workerScript(nodes: NodesDialect, paths: { readonly script: string; readonly log: string }): Argv {
  // A handled signal is not ignored in what the shell starts, and does not end the shell before its last line.
  const lines = [
    'trap : TERM HUP INT',
    // In a shell of its own, without a start of one.
    '( . "$1" ) >>"$2" 2>&1 </dev/null',
    'code=$?',
    // The end of the runner itself, which can tell of it no more. It has no exit codes beyond.
    `[ $code -le 128 ] || echo "${LAST_WORDS} $((code - 128))" >>"$2"`,
    nodes.giveBackScript,
    'exit $code',
  ];
  return ['sh', '-c', lines.join('\n'), 'cellburst', paths.script, paths.log];
}

function startWorker(id: NativeId, [program, ...args]: Argv, log: string): StartedWorker {
  const complaints = openSync(log, 'a', 0o600);
  // In a session of its own: a signal to ours is none to it.
  const child = spawn(program, args, { detached: true, stdio: ['ignore', 'ignore', complaints], windowsHide: true });
  closeSync(complaints);
  const limit = setTimeout(() => {
    child.kill('SIGTERM');
  }, START_MS);
  const lost = new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(limit);
      resolve();
    };
    child.once('error', end);
    child.once('exit', end);
  });
  child.unref();
  let later: NodeJS.Timeout | undefined;
  const free = (): void => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) freeStep(child.pid);
  };
  void lost.then(() => {
    clearTimeout(later);
  });
  return {
    id,
    client: child.pid === undefined ? undefined : identify(child.pid),
    letGo: (when) => {
      clearTimeout(limit);
      if (when === 'now') free();
      else later ??= setTimeout(free, CLIENT_MS).unref();
    },
    lost,
  };
}

/** The client of a step that an earlier agent has started. */
export function freeOther(client: ProcessIdentity | undefined): void {
  if (client !== undefined && isAlive(client)) freeStep(client.pid);
}

/** Ends a step's client, and its watcher before that: it would end the step. */
export function freeStep(pid: number): void {
  for (const each of [...readTree(pid).pids].reverse()) sendSignal(each, 'SIGKILL');
}

/** Has a runner ever been there? Claiming the job is its first act. */
export function hasBegun(directory: string): boolean {
  const told = [HEARTBEAT_FILE, OUTCOME_FILE].map((file) => join(directory, file));
  return [...told, claimPath(directory)].some((path) => existsSync(path));
}

/** Until the batch system says that nothing lives under the job's name any more. What it does not answer is asked again. */
export async function giveBack(
  { dialect, run }: Pick<NodesDesk, 'dialect' | 'run'>,
  job: Pick<BatchJob, 'name' | 'token'>,
  signal: AbortSignal,
): Promise<void> {
  const [search] = dialect.searches(nativeName(job));
  if (search === undefined) throw new TypeError(`${dialect.title} cannot be asked for a name.`);
  for (let pause = LOOK_MS; ; pause = Math.min(pause * 2, 30_000)) {
    try {
      const ids = search.parse(await run(search.command, signal));
      const seen = ids.length === 0 ? undefined : dialect.parseStatus(await run(dialect.statusCommand(ids), signal));
      const living = ids.filter((id) => !['ended', 'cancelled'].includes(seen?.get(id)?.sighting.state ?? 'ended'));
      if (living.length === 0) return;
      dialect.confirmChange('cancel', await run(dialect.changeCommand('cancel', living), signal));
    } catch (error) {
      if (!(error instanceof SchedulerError)) throw error;
    }
    await sleep(pause, undefined, { signal });
  }
}
