// A runner as the local scheduler holds it: started by us (warm or for a job), or found running after a restart.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { readIfThere } from '../protocol/files';
import { CANCEL_FILE, HEARTBEAT_FILE, OUTCOME_FILE } from '../protocol/layout';
import { LEASE_MS, hostName, isAlive, sendSignal, signalGroup } from '../protocol/platform';
import { RUNNER_EXIT, heartbeat, runnerEvent, type Heartbeat, type RunOrders } from '../protocol/run';
import { parseJson } from '../protocol/shape';
import type { Explanation } from './scheduler';

export interface RunnerPrograms {
  /** The runner's file. */
  readonly runner: string;
  /** The cell process's file, where it is not the one beside the runner. */
  readonly cell?: string;
}

/** Before there is a job: on these processors. */
export interface WarmStart {
  readonly cpus?: readonly number[];
}

export interface RunnerStart {
  readonly programs: RunnerPrograms;
  readonly nodeProgram: string;
  /** It ends with this process, by a pipe; otherwise it outlives it. */
  readonly isBound: boolean;
  readonly warm?: WarmStart;
}

export interface Runner {
  /** Settles when the job is over; a reason is given when the runner cannot have told it itself. */
  readonly ended: Promise<Explanation | undefined>;
  /** Asks it to end its job. */
  terminate(): void;
  /** Ends it and its cell process, whatever state they are in. */
  kill(): void;
}

export class StartedRunner implements Runner {
  readonly nodeProgram: string;
  /** Processors of a warm cell process. */
  readonly cpus: readonly number[] | undefined;
  readonly ended: Promise<Explanation | undefined>;
  readonly started: Promise<number>;
  readonly #child: ChildProcess;
  readonly #isBound: boolean;
  #directory: string | undefined;

  constructor({ programs, nodeProgram, isBound, warm }: RunnerStart) {
    this.nodeProgram = nodeProgram;
    this.#isBound = isBound;
    this.cpus = warm?.cpus;
    const args = [
      programs.runner,
      ...(programs.cell === undefined ? [] : ['--cell', programs.cell]),
      ...(isBound ? ['--bound'] : []),
      ...(warm === undefined ? [] : ['--warm']),
      ...(warm?.cpus === undefined ? [] : ['--cpus', warm.cpus.join(',')]),
    ];
    // A session of its own, and our log as its standard error: it can outlive us.
    this.#child = spawn(nodeProgram, args, { detached: true, stdio: ['pipe', 'pipe', 'inherit'], windowsHide: true });
    this.#child.stdin?.on('error', () => undefined);
    let tellStarted: (at: number) => void = () => undefined;
    this.started = new Promise((resolve) => {
      tellStarted = resolve;
    });
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        resolve({ cause: 'start-failed', reason: `Cannot start ${nodeProgram}: ${error.message}` });
      });
      this.#child.once('exit', (code, signal) => {
        resolve(this.#explain(code, signal));
      });
      if (this.#child.stdout === null) return;
      createInterface({ input: this.#child.stdout }).on('line', (line) => {
        const event = parseJson(line, runnerEvent, 'a line of a runner');
        if (event.event === 'started') tellStarted(event.startedAt);
        if (event.event === 'ended') resolve(undefined);
      });
    });
  }

  /** May it be given a job? */
  get isWaiting(): boolean {
    return this.#directory === undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  give(orders: RunOrders): void {
    this.#directory = orders.directory;
    this.#child.stdin?.write(`${JSON.stringify(orders)}\n`);
    if (!this.#isBound) this.#child.stdin?.end();
  }

  /** Lets a runner go that has no job. */
  dismiss(): void {
    this.#child.stdin?.end();
  }

  terminate(): void {
    this.#child.kill('SIGTERM');
  }

  kill(): void {
    this.#child.kill('SIGKILL');
    if (this.#directory !== undefined) endCell(this.#directory);
  }

  #explain(
    code: number | null,
    signal: NodeJS.Signals | null,
  ): Explanation | undefined | Promise<Explanation | undefined> {
    const directory = this.#directory;
    if (directory === undefined || code === RUNNER_EXIT.done) return undefined;
    if (code === RUNNER_EXIT.taken) return followOther(directory);
    endCell(directory);
    return explainLoss(directory, signal === null ? (code ?? 0) : `by ${signal}`);
  }
}

function explainLoss(directory: string, end: string | number): Explanation {
  if (end === RUNNER_EXIT.directoryGone || !existsSync(directory))
    return { cause: 'runner-lost', reason: `The job's directory ${directory} was deleted while it ran.` };
  if (end === RUNNER_EXIT.disk)
    return { cause: 'disk-full', reason: `The job's directory ${directory} cannot be written. Is the disk full?` };
  const how = typeof end === 'string' ? end : `with exit code ${end}`;
  return {
    cause: 'runner-lost',
    reason: `The job's runner ended ${how}, so nobody watched over the job any more and it was ended too. The agent's log may tell why.`,
  };
}

/** What the runner of a job last said of itself. undefined: it has not said anything yet. */
export function readHeartbeat(directory: string): Heartbeat | undefined {
  const path = join(directory, HEARTBEAT_FILE);
  const text = readIfThere(path);
  return text === undefined ? undefined : parseJson(text, heartbeat, path);
}

const HEARTBEAT_PATIENCE_MS = 3000;

/** A runner of an earlier agent was quicker, so the job is its: it says so by its heartbeat at once, or it has died. */
async function followOther(directory: string): Promise<Explanation | undefined> {
  const deadline = Date.now() + HEARTBEAT_PATIENCE_MS;
  while (Date.now() < deadline) {
    const other = findRunner(directory);
    if (other !== undefined) return await other.ended;
    await sleep(50);
  }
  return explainLoss(directory, 'before it told anything');
}

/** One that has the job and has not told of itself yet. */
export function awaitRunner(directory: string): Runner {
  const ask = (): void => {
    askToEnd(directory);
  };
  return { ended: followOther(directory), terminate: ask, kill: ask };
}

/** Where no signal reaches the runner. */
function askToEnd(directory: string): void {
  if (existsSync(directory)) writeFileSync(join(directory, CANCEL_FILE), '');
}

/** Ends a cell process whose runner is gone, with its group. */
function endCell(directory: string): void {
  const cell = readHeartbeat(directory)?.cell;
  if (cell !== undefined && cell.pid > 0 && isAlive(cell)) signalGroup(cell.pid, 'SIGKILL');
}

const LOOK_MS = 500;

/** A runner that an earlier agent started. It is no child of ours: its files and its process tell when it has ended. */
export function findRunner(directory: string): Runner | undefined {
  const beat = readHeartbeat(directory);
  if (beat === undefined) return undefined;
  if (beat.host !== hostName()) return followFar(directory, beat.host);
  const { runner } = beat;
  const ended = new Promise<Explanation | undefined>((resolve) => {
    const look = (): void => {
      const isTold = existsSync(join(directory, OUTCOME_FILE));
      if (!isTold && isAlive(runner)) return;
      clearInterval(timer);
      watcher?.close();
      if (isTold) {
        resolve(undefined);
        return;
      }
      endCell(directory);
      resolve(explainLoss(directory, 'by an unknown cause'));
    };
    const timer = setInterval(look, LOOK_MS);
    const watcher = existsSync(directory) ? watch(directory, look) : undefined;
    watcher?.on('error', look);
    look();
  });
  return {
    ended,
    terminate: () => {
      if (isAlive(runner)) sendSignal(runner.pid, 'SIGTERM');
    },
    kill: () => {
      if (isAlive(runner)) sendSignal(runner.pid, 'SIGKILL');
      endCell(directory);
    },
  };
}

/** A runner on another machine that shares this directory: its heart tells that it lives, as long as it beats. Clocks differ, so changes count. */
function followFar(directory: string, host: string): Runner {
  const ended = new Promise<Explanation | undefined>((resolve) => {
    let last = 0;
    let heardAt = performance.now();
    const timer = setInterval(() => {
      const isTold = existsSync(join(directory, OUTCOME_FILE));
      const beatAt = readHeartbeat(directory)?.beatAt ?? 0;
      if (beatAt !== last) heardAt = performance.now();
      last = beatAt;
      if (!isTold && performance.now() - heardAt < LEASE_MS) return;
      clearInterval(timer);
      const reason = `It ran on ${host}, which has shown no life for ${LEASE_MS / 1000} s. If ${host} is only cut off, it may still run there.`;
      resolve(isTold ? undefined : { cause: 'node-lost', reason });
    }, LOOK_MS);
  });
  const ask = (): void => {
    askToEnd(directory);
  };
  return { ended, terminate: ask, kill: ask };
}
