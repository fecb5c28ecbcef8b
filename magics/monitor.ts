// Serves one job panel (protocol/monitor.ts): pushes what the home agent tells, follows logs, carries out actions. Knows the agent and a way
// to send; whether a comm, a socket or a test carries the messages, it does not know. Nothing is polled.
import { hostname, userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentConnection } from './client';
import { act } from './monitor-actions';
import { followLog } from './monitor-log';
import { parsePanelMessage } from './monitor-messages';
import { Rows, toRow, type Change } from './monitor-rows';
import { AgentError, ClusterError } from './protocol/errors';
import type { AgentStatus } from './protocol/messages';
import {
  MONITOR_PROTOCOL,
  type ClusterHealth,
  type Feed,
  type KernelMessage,
  type PanelMessage,
} from './protocol/monitor';

export interface MonitorOptions {
  /** A connection of our own; starts the agent where none runs. */
  readonly connect: () => Promise<AgentConnection>;
  readonly send: (message: KernelMessage) => void;
  readonly version: string;
  /** Called once when nobody has answered: the panel is gone without a word. */
  readonly onSilent: () => void;
  /** How long a panel may be silent before it is asked whether it is there, and how long it has to answer. */
  readonly silenceMs?: number;
  readonly answerMs?: number;
}

/** Changes within this time are one message. */
const GATHER_MS = 100;
/** Measurements of running jobs: a person cannot read faster, and every message costs the browser a redraw. */
const MEASURED_MS = 1000;
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 15_000;
const SILENCE_MS = 60_000;
const ANSWER_MS = 30_000;
/** How long an action waits for the agent to be there. */
const ACTION_WAIT_MS = 10_000;

export class JobMonitor implements AsyncDisposable {
  readonly #options: MonitorOptions;
  readonly #rows = new Rows();
  readonly #closing = new AbortController();
  readonly #following = new Map<string, AbortController>();
  readonly #running: Promise<void>;
  #agent: AgentConnection | undefined;
  readonly #waiting = new Set<() => void>();
  #stateDirectory = '';
  #flush: { readonly at: number; readonly timer: NodeJS.Timeout } | undefined;
  #sentAt = 0;
  #isSnapshotSent = false;
  #heardAt = Date.now();
  #answerTimer: NodeJS.Timeout | undefined;
  #feed: Feed = { state: 'connecting', since: Date.now() };

  constructor(options: MonitorOptions) {
    this.#options = options;
    // At once: whoever opened this knows that somebody is here, however long the agent takes to start.
    options.send({ type: 'feed', feed: this.#feed, clusters: [] });
    this.#running = this.#run();
  }

  /** A message of the panel, as it came. */
  receive(message: unknown): void {
    this.#heardAt = Date.now();
    clearTimeout(this.#answerTimer);
    this.#answerTimer = undefined;
    const parsed = parsePanelMessage(message);
    if (typeof parsed === 'string') this.#options.send({ type: 'error', message: parsed });
    else if (parsed !== undefined) this.#take(parsed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#flush?.timer);
    clearTimeout(this.#answerTimer);
    for (const stop of this.#following.values()) stop.abort();
    await this.#running;
  }

  #take(message: PanelMessage): void {
    switch (message.type) {
      case 'snapshot':
        if (this.#isSnapshotSent) this.#sendSnapshot();
        return;
      case 'pong':
        return;
      case 'follow':
        void this.#follow(message);
        return;
      case 'unfollow':
        this.#following.get(message.job)?.abort();
        return;
      case 'action':
        void this.#act(message);
        return;
    }
  }

  /** Connected, told, lost, connected again: until closed. */
  async #run(): Promise<void> {
    const { signal } = this.#closing;
    for (let wait = FIRST_RETRY_MS; !signal.aborted; wait = Math.min(wait * 2, LAST_RETRY_MS)) {
      try {
        await using agent = await this.#options.connect();
        await this.#relay(agent, () => (wait = FIRST_RETRY_MS));
      } catch (error) {
        if (!this.#closing.signal.aborted)
          this.#tellFeed({ state: 'lost', since: Date.now(), message: reasonOf(error) });
      } finally {
        this.#setAgent(undefined);
      }
      // An abort ends the loop, which looks at the signal itself.
      await sleep(wait, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Ends by an error when the agent is gone. */
  async #relay(agent: AgentConnection, onLive: () => void): Promise<void> {
    const changes = agent.changes(this.#closing.signal);
    // Asked first, so that nothing falls between the list and its changes.
    let change = changes.next();
    change.catch(() => undefined);
    const [status, jobs] = await Promise.all([agent.status(), agent.jobs()]);
    if (this.#closing.signal.aborted) return;
    this.#setAgent(agent);
    if (status.stateDirectory !== this.#stateDirectory) this.#hello(status);
    this.#rows.replace(jobs.map(toRow));
    this.#sendSnapshot();
    this.#tellFeed({ state: 'live', since: Date.now() }, [toHealth(status)]);
    onLive();
    for (let step = await change; step.done !== true; step = await change) {
      const news = step.value;
      this.#changed(news.kind === 'changed' ? this.#rows.put(toRow(news.job)) : this.#rows.remove(news.id));
      change = changes.next();
    }
  }

  #hello({ stateDirectory }: AgentStatus): void {
    this.#stateDirectory = stateDirectory;
    this.#options.send({
      type: 'hello',
      protocol: MONITOR_PROTOCOL,
      version: this.#options.version,
      user: userInfo().username,
      host: hostname(),
      stateDirectory,
      pid: process.pid,
    });
  }

  /** A loss is told once, however often it is found again: silence lets an idle server rest. */
  #tellFeed(feed: Feed, clusters: readonly ClusterHealth[] = []): void {
    if (feed.state === 'lost' && this.#feed.state === 'lost' && feed.message === this.#feed.message) return;
    this.#feed = feed;
    this.#options.send({ type: 'feed', feed, clusters });
  }

  #changed(change: Change): void {
    if (change === 'none') return;
    const at = Math.max(Date.now(), this.#sentAt + (change === 'told' ? GATHER_MS : MEASURED_MS));
    if (this.#flush !== undefined && this.#flush.at <= at) return;
    clearTimeout(this.#flush?.timer);
    this.#flush = { at, timer: setTimeout(this.#sendDelta, at - Date.now()) };
  }

  readonly #sendDelta = (): void => {
    this.#flush = undefined;
    if (!this.#rows.hasChanges) return;
    this.#sentAt = Date.now();
    this.#options.send({ type: 'delta', now: this.#sentAt, ...this.#rows.takeDelta() });
    this.#askWhetherHeard();
  };

  /** With what is sent anyway: an idle server is left in peace. */
  #askWhetherHeard(): void {
    const { silenceMs = SILENCE_MS, answerMs = ANSWER_MS, onSilent, send } = this.#options;
    if (this.#answerTimer !== undefined || Date.now() - this.#heardAt < silenceMs) return;
    this.#answerTimer = setTimeout(onSilent, answerMs);
    send({ type: 'ping' });
  }

  #sendSnapshot(): void {
    this.#isSnapshotSent = true;
    this.#sentAt = Date.now();
    this.#options.send({ type: 'snapshot', now: this.#sentAt, ...this.#rows.takeSnapshot() });
  }

  /** Waits for the agent, goes on with the next one when it is lost, and says why when there is nothing to follow. */
  async #follow({ job, from, tailBytes }: Extract<PanelMessage, { type: 'follow' }>): Promise<void> {
    this.#following.get(job)?.abort();
    const stop = new AbortController();
    const { signal } = stop;
    this.#following.set(job, stop);
    let position = from;
    const send = (message: Extract<KernelMessage, { type: 'log' }>): void => {
      position = message.next;
      this.#options.send(message);
    };
    for (let isOver = false; !isOver && !signal.aborted;) {
      const agent = await this.#connected(signal);
      if (agent === undefined) break;
      try {
        const { id } = await agent.job(job);
        const size = (): number => this.#rows.get(job)?.outputBytes ?? 0;
        await followLog(agent.output(id, { from: position, signal }), {
          ...{ job, from: position, tailBytes, size, send, signal },
        });
        isOver = true;
      } catch (error) {
        isOver = this.#agent === agent;
        if (isOver && !stop.signal.aborted)
          send({
            type: 'log',
            job,
            from: position,
            next: position,
            pieces: [],
            ended: false,
            problem: reasonOf(error),
          });
      }
    }
    if (this.#following.get(job) === stop) this.#following.delete(job);
  }

  async #act({ request, action, job, resources }: Extract<PanelMessage, { type: 'action' }>): Promise<void> {
    const { send } = this.#options;
    try {
      const agent = await this.#connected(AbortSignal.any([this.#closing.signal, AbortSignal.timeout(ACTION_WAIT_MS)]));
      if (agent === undefined)
        throw new AgentError('The home agent cannot be reached just now. It is tried again by itself; try again then.');
      send({ type: 'result', request, ok: true, result: await act(agent, action, job, resources) });
    } catch (error) {
      send({ type: 'result', request, ok: false, message: reasonOf(error) });
    }
  }

  /** The agent, as soon as there is one; undefined when the signal is aborted before. */
  async #connected(signal: AbortSignal): Promise<AgentConnection | undefined> {
    while (this.#agent === undefined && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    return signal.aborted ? undefined : this.#agent;
  }

  #setAgent(agent: AgentConnection | undefined): void {
    this.#agent = agent;
    if (agent === undefined) return;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** One place for now: this machine. */
function toHealth({ cores }: AgentStatus): ClusterHealth {
  return { name: 'local', state: 'ok', cores };
}

function reasonOf(error: unknown): string {
  if (ClusterError.is(error)) return error.message;
  return error instanceof Error ? error.message : String(error);
}
