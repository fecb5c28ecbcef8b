// A look at a cluster from a compute node: a small batch job of its own, without a notebook, that meets this agent in the store. Is the directory the same, how
// long does a file take to be seen on the other side, does the clock agree, may a node call here?
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, SchedulerError } from '../protocol/errors';
import { readIfThere } from '../protocol/files';
import { fine, trouble, type Finding } from '../protocol/finding';
import type { BatchRequest, NativeId } from '../protocol/job';
import { hostName } from '../protocol/platform';
import { flag, listOf, number, parseJson, record, text, type Shaped } from '../protocol/shape';
import { batchScript } from '../transports/shell';
import { toNativeId } from './answer';
import type { BatchPlace } from './batch-papers';
import type { RunCommand } from './commands';
import type { BatchJob } from './dialect';
import { newSubmission } from './submission';
import { VISITOR } from './visitor';

export interface Visit extends BatchPlace {
  readonly run: RunCommand;
  readonly stateDirectory: string;
  readonly asked?: BatchRequest;
}

/** Whoever asks the doctor does not want to wait for a queue. */
const START_MS = 60_000;
const TALK_MS = 45_000;
/** What NFS takes by default; more is felt at the end of each job. */
const SLOW_MS = 2000;
const MOST_SKEW_SECONDS = 5;
const LOOK_MS = 10;

const result = record({
  host: text,
  node: text,
  /** Milliseconds from a file's being written there to its answer's being seen there. */
  trips: listOf(number),
  /** Milliseconds since 1970, and for how long it may be wrong. */
  now: number,
  reached: listOf(record({ address: text, isReached: flag })),
});
type Result = Shaped<typeof result>;

export async function* visitNode(visit: Visit, signal: AbortSignal): AsyncGenerator<Finding> {
  const directory = join(visit.stateDirectory, `.visit-${randomBytes(6).toString('hex')}`);
  mkdirSync(directory, { mode: 0o700 });
  const word = randomBytes(12).toString('hex');
  const server = await listen(word);
  let id: NativeId | undefined;
  try {
    const submitted = await submit(visit, directory, word, server, signal);
    if ('problem' in submitted) {
      yield trouble('compute node', submitted.problem);
      return;
    }
    ({ id } = submitted);
    yield* explain(await meet(visit, directory, submitted.job, id, signal));
  } finally {
    server.close();
    if (id !== undefined) await cancel(visit, id);
    rmSync(directory, { recursive: true, force: true });
  }
}

type Met =
  | { readonly is: 'told'; readonly result: Result; readonly skewSeconds: number; readonly startSeconds: number }
  | { readonly is: 'waiting' }
  /** It will not start by itself. */
  | { readonly is: 'stuck'; readonly reason: string }
  | { readonly is: 'unseen'; readonly words: string };

function* explain(met: Met): Generator<Finding> {
  if (met.is === 'waiting') {
    yield fine('compute node', `none was free within ${START_MS / 1000} s, so it was not looked at from there`);
    return;
  }
  if (met.is === 'stuck') {
    yield trouble('compute node', `a small job of one core does not start: ${met.reason}`);
    return;
  }
  if (met.is === 'unseen') {
    yield trouble(
      'store on nodes',
      `a small job ended, and nothing of it was seen here${met.words}. Compute nodes have to share the store: set store: to a directory that they see at the same path, and node: to a Node.js there.`,
    );
    return;
  }
  const { host, node, trips, reached } = met.result;
  yield fine('compute node', `${host}: Node ${node}, a job starts after ${met.startSeconds.toFixed(1)} s`);
  const lag = Math.round(Math.max(...trips) / 2);
  const says = `is the same on ${host}; what is written on one side is seen on the other after ${lag} ms`;
  yield lag > SLOW_MS
    ? trouble('store on nodes', `${says}. Results come so much later: a store: on a faster shared file system helps.`)
    : fine('store on nodes', says);
  yield met.skewSeconds > MOST_SKEW_SECONDS
    ? trouble('clock of nodes', `${host} is ${Math.round(met.skewSeconds)} s off: tell the site.`)
    : fine('clock of nodes', 'agrees with the login node');
  const way = reached.find(({ isReached }) => isReached);
  yield fine(
    'ports',
    way === undefined
      ? `${host} cannot call ${hostName()} (${reached.map(({ address }) => address).join(', ') || 'it has no address'}): workers that are kept are heard of by files`
      : `${host} can call ${hostName()} at ${way.address}`,
  );
}

async function submit(visit: Visit, directory: string, word: string, server: Server, signal: AbortSignal) {
  const { dialect, site, run, prologue, node = process.execPath, asked = {} } = visit;
  const { native = [], ...request } = asked;
  const place: AddressInfo | string | null = server.address();
  const port = typeof place === 'object' ? (place?.port ?? 0) : 0;
  const job: BatchJob = {
    token: newSubmission().token,
    name: 'doctor',
    directory,
    command: [node, '-e', VISITOR, directory, word, String(port), ownAddresses().join(',')],
    environment: {},
    resources: { ...request, cores: 1, wallTimeSeconds: 120 },
    native,
    site,
  };
  const script = join(directory, 'visit.sh');
  const directives = dialect.directives(job);
  const { command } = job;
  const lines = { directives, title: 'Cellburst doctor', environment: {}, prologue, directory, command };
  writeFileSync(script, batchScript(lines), { mode: 0o700 });
  const answer = dialect.parseSubmit(await run(dialect.submitCommand(job, script), signal));
  if (answer.outcome === 'accepted') return { id: answer.id, job };
  return { problem: `${dialect.title} does not take a job of one core: ${answer.words.trim()}` };
}

/** Answers each file of the visitor by one of its own, until it has told all. */
async function meet(visit: Visit, directory: string, job: BatchJob, id: NativeId, signal: AbortSignal): Promise<Met> {
  const submittedAt = performance.now();
  let startedAt: number | undefined;
  let askedAt = performance.now();
  for (let trip = 0; ;) {
    signal.throwIfAborted();
    const told = readIfThere(join(directory, 'result.json'));
    if (told !== undefined && startedAt !== undefined) {
      const found = parseJson(told, result, 'result.json');
      const skew = Math.abs(found.now - Date.now()) - Math.max(...found.trips);
      return {
        is: 'told',
        result: found,
        skewSeconds: Math.max(0, skew / 1000),
        startSeconds: (startedAt - submittedAt) / 1000,
      };
    }
    if (readIfThere(join(directory, `ping-${trip}`)) !== undefined) {
      startedAt ??= performance.now();
      writeFileSync(join(directory, `pong-${trip}`), '');
      trip++;
      continue;
    }
    const waited = performance.now() - (startedAt ?? submittedAt);
    if (startedAt === undefined && performance.now() - askedAt > 2000) {
      askedAt = performance.now();
      const over = await endOf(visit, id, signal);
      if (over === 'ended') return { is: 'unseen', words: lastWords(visit, job, id) };
      if (over !== undefined) return over;
      if (waited > START_MS) return { is: 'waiting' };
    }
    if (startedAt !== undefined && waited > TALK_MS)
      return { is: 'unseen', words: `: it began, and then was silent${lastWords(visit, job, id)}` };
    await sleep(LOOK_MS, undefined, { signal });
  }
}

/** undefined: it may still come. */
async function endOf({ dialect, run }: Visit, id: NativeId, signal: AbortSignal): Promise<Met | 'ended' | undefined> {
  try {
    const queue = dialect.parseStatus(await run(dialect.statusCommand([id]), signal)).get(id);
    if (queue?.stuck === true && queue.sighting.state === 'queued')
      return { is: 'stuck', reason: queue.sighting.reason ?? queue.words };
    if (queue !== undefined && queue.sighting.state !== 'ended') return undefined;
    const seen = queue ?? dialect.parseHistory(await run(dialect.historyCommand([id]), signal)).get(id);
    return seen?.sighting.state === 'ended' ? 'ended' : undefined;
  } catch (error) {
    // It could not be asked just now; the visitor tells more than it.
    if (error instanceof SchedulerError) return undefined;
    throw error;
  }
}

function lastWords({ dialect }: Visit, job: BatchJob, id: NativeId): string {
  const log = readIfThere(dialect.logPath(job, id))?.trim().split('\n').slice(-3).join(' ');
  return log === undefined || log === '' ? '' : ` (${log})`;
}

async function cancel({ dialect, run }: Visit, id: NativeId): Promise<void> {
  try {
    await run(dialect.changeCommand('cancel', [toNativeId(String(id))]), AbortSignal.timeout(20_000));
  } catch (error) {
    console.error(`the doctor's job ${id} could not be cancelled: ${messageOf(error)}`);
  }
}

/** Says the word to whoever comes. */
function listen(word: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(word);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, () => {
      resolve(server);
    });
  });
}

function ownAddresses(): string[] {
  const found = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  return found.filter(({ internal, scopeid }) => !internal && !scopeid).map(({ address }) => address);
}
