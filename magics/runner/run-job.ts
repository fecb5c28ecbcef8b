// One job from its orders to its outcome: the cell process gets its task, output goes to the spool, limits are kept, the end is told apart.
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../protocol/errors';
import { CANCEL_FILE, ENVELOPE_FILE } from '../protocol/layout';
import { hostName, identify } from '../protocol/platform';
import { CELL_EXIT, RUN_PROTOCOL, type Ending, type Outcome, type RunOrders } from '../protocol/run';
import type { CellProcess } from './cell-process';
import type { CellExit } from './started-cell';
import { isHeapExhausted, startMeter, type Meter } from './limits';
import { openMemoryGroup, type MemoryGroup } from './memory-group';
import { watchOomKills } from './oom-kills';
import { grantedNodes } from './nodes';
import { writeLeftOutputs } from './output-list';
import { placePackages } from './packages';
import { ownMachine } from '../protocol/host-facts';
import { encodeOutput } from '../protocol/output';
import { Report } from './report';
import { Sampler } from './sampler';
import { Spool } from './spool';

const BEAT_MS = 1000;

/** What the runner did to the cell process; then its exit is a consequence. */
type Verdict =
  | Extract<Ending, { kind: 'out-of-memory' | 'time-limit' | 'terminated' | 'start-failed' | 'environment-failed' }>
  | { readonly kind: 'abandoned' };

export interface Job {
  readonly orders: RunOrders;
  readonly cell: CellProcess;
  /** Aborted when the runner is asked to end. */
  readonly signal: AbortSignal;
  readonly started: (startedAt: number) => void;
  /** Tells, after the cell process was killed by somebody else, whether it was the kernel, for lack of memory. Absent: our own control group is looked at. */
  readonly wasOomKill?: () => Promise<boolean>;
  /** Told when the outcome can be read. Absent: nobody on this machine listens. */
  readonly ended?: () => void;
}

/** Gives undefined when the job's directory was deleted: then there is nobody to tell. */
export async function runJob({ orders, cell, signal, started, ended, wasOomKill }: Job): Promise<Outcome | undefined> {
  const { directory } = orders;
  const startedAt = Date.now();
  const report = new Report(directory);
  const spool = new Spool(directory);
  cell.setSink((records) => {
    spool.write(records);
  });
  const stop = keepVerdict(cell);
  const group = limitMemory(cell, orders);
  const sawOomKill = watchOomKills();
  const meter = watchMemory(cell, orders, stop);
  const sampler = new Sampler(directory, jobEnvironment(orders));
  const beat = makeBeat({ report, spool, meter, sampler, cell, orders, startedAt });
  beat();
  started(startedAt);
  const timers = [...limitTime(orders, cell, stop), watchDirectory(directory, cell, stop, beat)];
  const terminate = (): void => {
    if (stop.claim({ kind: 'terminated' })) cell.terminate();
  };
  signal.addEventListener('abort', terminate);
  if (signal.aborted) terminate();
  await giveOrders({ cell, orders, stop, spool }, signal);
  // While the cell runs; at the end somebody waits.
  ownMachine();

  const exit = await cell.exit;
  for (const timer of timers) clearTimeout(timer);
  signal.removeEventListener('abort', terminate);
  meter.stop();
  sampler.stop();
  const isKilled = 'signal' in exit && exit.signal === 'SIGKILL' && stop.verdict === undefined;
  if (group?.wasExhausted() === true || (isKilled && ((await wasOomKill?.()) ?? sawOomKill())))
    stop.claimEnded({ kind: 'out-of-memory', detail: grantOf(orders) });
  await cell.drain();
  group?.close();
  spool.close();
  if (stop.verdict?.kind === 'abandoned' || !existsSync(directory)) return undefined;
  listWhatIsLeft(orders);
  const outcome = {
    protocol: RUN_PROTOCOL,
    host: hostName(),
    machine: ownMachine(),
    ending: toEnding(exit, stop.verdict, { lastWords: cell.lastWords, peakMemoryMiB: meter.peakMemoryMiB, directory }),
    startedAt,
    endedAt: Date.now(),
    usage: usageOf(meter, startedAt),
    outputBytes: spool.outputBytes,
    droppedBytes: spool.droppedBytes,
  } satisfies Outcome;
  report.finish(outcome, ended);
  return outcome;
}

/** Of a cell that was ended before it could say what it had written. */
function listWhatIsLeft({ directory, files, jobId }: RunOrders): void {
  try {
    writeLeftOutputs(directory, files);
  } catch (error) {
    // How it ended is to be told in any case.
    console.error(`${jobId}: cannot list what it has written: ${String(error)}`);
  }
}

interface Start {
  readonly cell: CellProcess;
  readonly orders: RunOrders;
  readonly stop: Stop;
  readonly spool: Spool;
}

/** Once its packages are in place; without them the cell process ends as one that could not start. */
async function giveOrders({ cell, orders, stop, spool }: Start, signal: AbortSignal): Promise<void> {
  const { directory, packages, files } = orders;
  const say = (line: string): void => {
    spool.write(Buffer.concat(encodeOutput({ type: 'stderr', text: `[cellburst] ${line}\n` }, Date.now())));
  };
  const giveUp = (kind: 'start-failed' | 'environment-failed', error: unknown): void => {
    if (!signal.aborted) stop.claim({ kind, detail: messageOf(error) });
    cell.kill();
  };
  let root = {};
  try {
    if (packages !== undefined) root = { packages: await placePackages(packages, say, signal) };
  } catch (error) {
    giveUp('environment-failed', error);
    return;
  }
  try {
    cell.order({
      directory,
      environment: jobEnvironment(orders),
      ...root,
      ...(files === undefined ? {} : { files }),
    });
  } catch (error) {
    giveUp('start-failed', error);
  }
}

/** Variables of the cell process that tell it what it was granted; those of the user come last and win. */
export function jobEnvironment(orders: RunOrders): Record<string, string> {
  const nodes = grantedNodes(process.env);
  return {
    ...(nodes.length === 0 ? {} : { CELLBURST_NODES: nodes.join(',') }),
    CELLBURST_JOB_ID: orders.jobId,
    CELLBURST_CORES: String(orders.cores),
    UV_THREADPOOL_SIZE: String(Math.max(4, orders.cores)),
    ...orders.environment,
  };
}

interface Stop {
  readonly verdict: Verdict | undefined;
  /** The first verdict stands: true for it. */
  claim(verdict: Verdict): boolean;
  /** For what is found out after the end. */
  claimEnded(verdict: Verdict): void;
}

function keepVerdict(cell: CellProcess): Stop {
  let verdict: Verdict | undefined;
  let ended = false;
  void cell.exit.then(() => {
    ended = true;
  });
  return {
    get verdict() {
      return verdict;
    },
    claim: (next) => {
      if (verdict !== undefined || ended) return false;
      verdict = next;
      return true;
    },
    claimEnded: (next) => {
      verdict ??= next;
    },
  };
}

/** Where the kernel can keep the limit, it does. */
function limitMemory(cell: CellProcess, orders: RunOrders): MemoryGroup | undefined {
  if (orders.memoryMiB === undefined || cell.pid === undefined) return undefined;
  const group = openMemoryGroup(orders.jobId, orders.memoryMiB);
  try {
    group?.add(cell.pid);
    return group;
  } catch (error) {
    console.error(`${orders.jobId}: cannot enter its memory group: ${String(error)}`);
    group?.close();
    return undefined;
  }
}

export function grantOf({ memoryMiB }: RunOrders): string {
  const granted = memoryMiB === undefined ? 'the memory' : `the ${memoryMiB} MiB`;
  return `It needed more than ${granted} it was granted.`;
}

function watchMemory(cell: CellProcess, orders: RunOrders, stop: Stop): Meter {
  const limit = orders.memoryMiB;
  if (cell.pid === undefined) return { memoryMiB: 0, peakMemoryMiB: 0, cpuSeconds: 0, stop: () => undefined };
  return startMeter(cell.pid, limit, (used) => {
    const detail = `It used ${used} MiB of the ${limit ?? 0} MiB it was granted.`;
    if (stop.claim({ kind: 'out-of-memory', detail })) cell.kill();
  });
}

const TICK_MS = 1000;
/** A busy machine may be that late. More is a time in which we did not run. */
const LATE_MS = 2000;

/** The time in which the job was suspended does not count: batch systems that suspend jobs do not count it either. */
function limitTime(orders: RunOrders, cell: CellProcess, stop: Stop): NodeJS.Timeout[] {
  const seconds = orders.wallTimeSeconds;
  if (seconds === undefined) return [];
  let left = seconds * 1000;
  let before = performance.now();
  const check = (): void => {
    const now = performance.now();
    left -= Math.min(now - before, TICK_MS + LATE_MS);
    before = now;
    if (left > 0) return;
    clearInterval(timer);
    if (stop.claim({ kind: 'time-limit', detail: `It was granted ${seconds} s.` })) cell.terminate();
  };
  const timer = setInterval(check, Math.min(TICK_MS, left));
  return [timer];
}

/** Without its directory a job has no place for output or result: it ends, and touches nothing else. */
function watchDirectory(directory: string, cell: CellProcess, stop: Stop, beat: () => void): NodeJS.Timeout {
  const { ino, dev } = statSync(directory);
  return setInterval(() => {
    const now = statSync(directory, { throwIfNoEntry: false });
    if (now?.ino === ino && now.dev === dev) {
      beat();
      if (existsSync(join(directory, CANCEL_FILE))) process.kill(process.pid, 'SIGTERM');
    } else if (stop.claim({ kind: 'abandoned' })) cell.kill();
  }, BEAT_MS);
}

interface BeatParts {
  readonly report: Report;
  readonly spool: Spool;
  readonly meter: Meter;
  readonly sampler: Sampler;
  readonly cell: CellProcess;
  readonly orders: RunOrders;
  readonly startedAt: number;
}

function makeBeat({ report, spool, meter, sampler, cell, orders, startedAt }: BeatParts): () => void {
  const runner = orders.seenAs ?? identify(process.pid);
  const identity = cell.pid === undefined ? { pid: 0 } : identify(cell.pid);
  return () => {
    try {
      report.beat({
        protocol: RUN_PROTOCOL,
        host: hostName(),
        runner,
        cell: identity,
        startedAt,
        beatAt: Date.now(),
        usage: usageOf(meter, startedAt),
        outputBytes: spool.outputBytes,
        droppedBytes: spool.droppedBytes,
        ...(orders.cpus === undefined ? {} : { cpus: orders.cpus }),
      });
      sampler.tell(meter);
    } catch (error) {
      // A missed beat on a full disk is no reason to end a job; the earlier one stays readable.
      console.error(`${orders.jobId}: cannot write the heartbeat: ${String(error)}`);
    }
  };
}

function usageOf(meter: Meter, startedAt: number): Outcome['usage'] {
  return {
    peakMemoryMiB: meter.peakMemoryMiB,
    cpuSeconds: meter.cpuSeconds,
    elapsedSeconds: (Date.now() - startedAt) / 1000,
  };
}

interface Evidence {
  readonly lastWords: string;
  readonly peakMemoryMiB: number;
  readonly directory: string;
}

/** How the job ended, from how its process ended and what we did to it. */
export function toEnding(exit: CellExit, verdict: Verdict | undefined, evidence: Evidence): Ending {
  if ('error' in exit) return { kind: 'start-failed', detail: exit.error.message };
  const isClean = 'code' in exit && exit.code === CELL_EXIT.done;
  if (isClean && existsSync(join(evidence.directory, ENVELOPE_FILE))) return { kind: 'exit', code: 0 };
  if (verdict !== undefined && verdict.kind !== 'abandoned') return verdict;
  if ('code' in exit && exit.code === CELL_EXIT.diskError)
    return { kind: 'disk-full', detail: lastLine(evidence.lastWords) };
  // A shell or a container turns SIGABRT into 134; V8 on Windows ends with 134 itself.
  const isAbort = 'signal' in exit ? exit.signal === 'SIGABRT' || exit.signal === 'SIGTRAP' : exit.code === 134;
  if (isAbort && isHeapExhausted(evidence.lastWords))
    return { kind: 'out-of-memory', detail: `The JavaScript heap was full (${evidence.peakMemoryMiB} MiB in use).` };
  const detail = lastLine(evidence.lastWords);
  return 'signal' in exit ? { kind: 'signal', signal: exit.signal, detail } : { kind: 'exit', code: exit.code, detail };
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1)?.slice(0, 500) ?? '';
}
