// What is known of one batch job, from its files and from what the batch system said: pure but for reading the files. The envelope decides, the
// outcome tells, the batch system explains; and none of its words ends a job before the files have had the time to arrive.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../protocol/errors';
import { readIfThere } from '../protocol/files';
import { OUTCOME_FILE } from '../protocol/layout';
import { LEASE_MS } from '../protocol/platform';
import { RUNNER_EXIT, outcome, type Outcome } from '../protocol/run';
import { parseJson } from '../protocol/shape';
import type { Observation } from './dialect';
import { readHeartbeat } from './runner';
import type { Explanation, Sighting } from './scheduler';
import { NO_MODULES } from '../config';
import { NO_DIRECTORY } from '../transports/shell';

/** A runner beats every second; silence for longer is a reason to ask, and no more than that. */
const SILENCE_MS = 10_000;
/** How long the files of an ended job may take to be seen here. */
const LAG_MS = { failed: 4000, succeeded: 30_000 };
/** How long the reason of an end is waited for, once the batch system can have been asked; after it, what the runner saw has to do. */
const PATIENCE_MS = 15_000;
/** A job that is in no list is told of after this time, and gone if its end was asked for. */
const ABSENT_MS = { cancelled: 4000, told: 60_000 };
/** A controller that has just started, say, tells more than it knows: what is said for ever has to be said again. */
const STUCK_ANSWERS = 2;
const LOG_BYTES = 16 * 1024;
const LOG_LINES = 10;

export interface ViewOptions {
  readonly directory: string;
  readonly title: string;
  /** The batch system is asked no more often than that. */
  readonly floorMs: number;
  readonly explainLog: (log: string) => Explanation | undefined;
  /** What the launcher printed; undefined while the batch system's id is not known. */
  readonly logPath: () => string | undefined;
}

export interface View {
  /** What has changed. */
  readonly news: Sighting | undefined;
  /** The batch system may know more by now. */
  readonly wantsAnswer: boolean;
  /** It is over, and the batch system would start it again. */
  readonly isLeft?: true;
}

export class BatchJobView {
  readonly #options: ViewOptions;
  #isCancelled = false;
  #last = '';
  #observation: Observation | undefined;
  #observedAt = 0;
  #stuckCount = 0;
  #endedAt: number | undefined;
  #absentSince: number | undefined;
  #outcomeAt: number | undefined;
  #beat: { readonly at: number; readonly seenAt: number } | undefined;

  constructor(options: ViewOptions) {
    this.#options = options;
  }

  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  /** Its end was asked for here. */
  cancel(): void {
    this.#isCancelled = true;
  }

  /** What the batch system says; undefined: neither its queue nor its history has the job. */
  observe(observation: Observation | undefined, nowMs: number): void {
    this.#absentSince = observation === undefined ? (this.#absentSince ?? nowMs) : undefined;
    if (observation === undefined) return;
    this.#observation = observation;
    this.#observedAt = nowMs;
    this.#stuckCount = observation.stuck === true ? this.#stuckCount + 1 : 0;
    this.#endedAt = isEnd(observation.sighting) ? (this.#endedAt ?? nowMs) : undefined;
  }

  look(nowMs: number): View {
    const seen = this.#see(nowMs);
    const text = JSON.stringify(seen.news);
    if (text === this.#last) return { ...seen, news: undefined };
    this.#last = text;
    return seen;
  }

  #see(nowMs: number): View {
    const told = this.#readOutcome();
    if (told !== undefined) return this.#seeOutcome(told, nowMs);
    if (this.#endedAt !== undefined && this.#observation !== undefined)
      return this.#seeEnd(this.#observation, nowMs - this.#endedAt, nowMs);
    if (this.#absentSince !== undefined) return this.#seeAbsence(nowMs - this.#absentSince, nowMs);
    return this.#seeLife(nowMs);
  }

  /** The runner has told. Whether somebody else had a hand in it, the batch system may know. */
  #seeOutcome({ ending }: Outcome, nowMs: number): View {
    this.#outcomeAt ??= nowMs;
    const isPlain = (ending.kind !== 'terminated' && ending.kind !== 'signal') || this.#isCancelled;
    if (isPlain) return { news: { state: 'ended' }, wantsAnswer: false };
    const said = this.#observation;
    // Asked after its runner had told: it is to start once more.
    if (said?.sighting.state === 'queued' && this.#observedAt > this.#outcomeAt)
      return { news: this.#putBack(said), wantsAnswer: false, isLeft: true };
    const isSettled = this.#endedAt !== undefined && said?.provisional !== true;
    if (isSettled && said !== undefined) return { news: this.#explain(said), wantsAnswer: false };
    if (nowMs - this.#outcomeAt > this.#patienceMs) return { news: { state: 'ended' }, wantsAnswer: false };
    return { news: undefined, wantsAnswer: true };
  }

  get #patienceMs(): number {
    return PATIENCE_MS + this.#options.floorMs;
  }

  /** The batch system says it is over, and the runner has not told. */
  #seeEnd(said: Observation, sinceMs: number, nowMs: number): View {
    const isSuccess = said.sighting.state === 'ended' && said.sighting.explanation === undefined;
    const isProvisional = said.provisional === true && sinceMs < this.#patienceMs;
    const lag = isSuccess ? LAG_MS.succeeded : LAG_MS.failed;
    // A scheduler that has lost a node has lost sight of it, and no more, even when it has started the job once more elsewhere: the runner may be heard all
    // the same, and have a result in the end.
    if (lostNode(said.sighting) || isTaken(said)) {
      const life = this.#seeLife(nowMs);
      const patienceMs = isTaken(said) ? LEASE_MS : SILENCE_MS;
      if (this.#beat !== undefined && nowMs - this.#beat.seenAt <= patienceMs) return life;
    }
    if (isProvisional || sinceMs < (this.#isCancelled ? LAG_MS.failed / 4 : lag))
      return { news: undefined, wantsAnswer: isProvisional };
    return { news: this.#explain(said), wantsAnswer: false };
  }

  #seeAbsence(sinceMs: number, nowMs: number): View {
    if (this.#isCancelled && sinceMs > ABSENT_MS.cancelled)
      return { news: { state: 'cancelled', by: 'unknown' }, wantsAnswer: false };
    const life = this.#seeLife(nowMs);
    const isSilent = this.#beat === undefined || nowMs - this.#beat.seenAt > SILENCE_MS;
    if (!isSilent || sinceMs < ABSENT_MS.told) return { ...life, wantsAnswer: this.#isCancelled };
    const raw = `neither in the queue nor in the history of ${this.#options.title}`;
    return { news: { state: 'unknown', raw }, wantsAnswer: false };
  }

  #seeLife(nowMs: number): View {
    const beat = readHeartbeat(this.#options.directory);
    const said = this.#observation?.sighting;
    if (beat === undefined) return { news: said === undefined ? undefined : this.#withWait(said), wantsAnswer: false };
    // By our own clock: that of the node may be off.
    if (this.#beat?.at !== beat.beatAt) this.#beat = { at: beat.beatAt, seenAt: nowMs };
    const node = said?.state === 'running' ? (said.node ?? beat.host) : beat.host;
    return {
      news: { state: 'running', since: beat.startedAt, node },
      wantsAnswer: nowMs - this.#beat.seenAt > SILENCE_MS,
    };
  }

  #withWait(sighting: Sighting): Sighting {
    if (sighting.state !== 'queued' || this.#observation === undefined) return sighting;
    const { stuck, expectedStart } = this.#observation;
    const words = [sighting.reason, stuck === true ? 'It will not start by itself.' : undefined].filter(
      (part) => part !== undefined,
    );
    return {
      state: 'queued',
      ...(words.length === 0 ? {} : { reason: words.join(' ') }),
      ...(expectedStart === undefined ? {} : { expectedStart }),
      ...(this.#stuckCount < STUCK_ANSWERS ? {} : { isStuck: true }),
    };
  }

  #explain({ sighting, words }: Pick<Observation, 'sighting' | 'words'>): Sighting {
    if (sighting.state !== 'ended' && sighting.state !== 'cancelled') return sighting;
    if (isTaken({ sighting })) return this.#putBack({ words });
    const text = this.#readLog();
    const logged = this.#options.explainLog(text);
    // Nodes that a worker has given back at its own end look cancelled; its log knows better.
    if (sighting.state === 'cancelled' && (sighting.by === 'administrator' || logged === undefined))
      return { ...sighting, words };
    const told = sighting.state === 'ended' ? sighting.explanation : undefined;
    const hasBegun = readHeartbeat(this.#options.directory) !== undefined;
    const explanation = logged ?? toExplanation(told, { log: text, hasBegun, title: this.#options.title });
    const log = text.trimEnd().split('\n').slice(-LOG_LINES).join('\n');
    return { state: 'ended', explanation: { ...explanation, words, ...(log === '' ? {} : { log }) } };
  }

  /** It had begun, lost its nodes, and was started again or is to be: a second runner finds the job taken, and does nothing. */
  #putBack({ words }: Pick<Observation, 'words'>): Sighting {
    const { title } = this.#options;
    const reason = `${title} took away the nodes of the job and put it back into the queue: for another job, since a node was lost, or since somebody asked for it. It had begun, and a cell is not run twice.`;
    return { state: 'ended', explanation: { cause: 'preempted', reason, words } };
  }

  #readOutcome(): Outcome | undefined {
    const path = join(this.#options.directory, OUTCOME_FILE);
    const source = readIfThere(path);
    return source === undefined ? undefined : parseJson(source, outcome, path);
  }

  /** The end of what the launcher printed. */
  #readLog(): string {
    const path = this.#options.logPath();
    if (path === undefined) return '';
    try {
      const file = openSync(path, 'r');
      try {
        const { size } = fstatSync(file);
        const buffer = Buffer.alloc(Math.min(size, LOG_BYTES));
        return buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, size - buffer.length));
      } finally {
        closeSync(file);
      }
    } catch (error) {
      // Without it an end is told all the same, without the last words.
      if (systemCode(error) !== undefined) return '';
      throw error;
    }
  }
}

function lostNode(sighting: Sighting): boolean {
  return sighting.state === 'ended' && sighting.explanation?.cause === 'node-lost';
}

function isEnd(sighting: Sighting): boolean {
  return sighting.state === 'ended' || sighting.state === 'cancelled';
}

/** A second runner came for it. */
function isTaken({ sighting }: Pick<Observation, 'sighting'>): boolean {
  return sighting.state === 'ended' && sighting.explanation?.exitCode === RUNNER_EXIT.taken;
}

/** Exit codes of sh: the command is not there, or cannot be run. */
const NO_COMMAND = new Set([126, 127]);

interface Evidence {
  /** What the launcher printed. */
  readonly log: string;
  /** The runner has told that it is there. */
  readonly hasBegun: boolean;
  readonly title: string;
}

/** An end without a result, in the batch system's words and the last ones of the log. */
function toExplanation(told: Explanation | undefined, { log, hasBegun, title }: Evidence): Explanation {
  if (told === undefined)
    return {
      cause: 'runner-lost',
      reason: `${title} says that the job succeeded, and there is no result. Do login and compute nodes see the same directory?`,
    };
  if (/Failed to reserve virtual memory/.test(log))
    return {
      ...told,
      cause: 'out-of-memory',
      reason: `Node.js could not reserve its address space, which ${title} limits here to the memory that was asked for. Ask for gigabytes, or set \`memoryResource:\` of this cluster to a resource that limits memory in use.`,
    };
  if (told.exitCode === NO_DIRECTORY)
    return {
      ...told,
      cause: 'start-failed',
      reason: `The job's directory is not there on the compute node. Set CELLBURST_STATE_DIR to a directory that all nodes share.`,
    };
  if (told.exitCode !== undefined && NO_COMMAND.has(told.exitCode))
    return {
      ...told,
      cause: 'start-failed',
      reason: `Node.js could not be started on the compute node. Set \`node:\` or \`prologue:\` of this cluster in the config.`,
    };
  if (told.exitCode === NO_MODULES)
    return {
      ...told,
      cause: 'environment',
      reason: 'The modules of this cluster (`modules:` in the config) could not be loaded on the compute node.',
    };
  if (told.exitCode !== undefined && !hasBegun)
    return {
      ...told,
      cause: 'environment',
      reason: `The job's script ended with exit code ${told.exitCode} before the cell began: did a line of \`prologue:\` of this cluster end it?`,
    };
  return told;
}
