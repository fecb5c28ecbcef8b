// Serves one job panel (protocol/monitor.ts): keeps a connection to the home agent, pushes what it tells, and hands each wish of the panel to the part that
// carries it out. Knows the agent and a way to send; whether a comm, a socket or a test carries the messages, it does not know. Nothing is polled.
import { hostname, userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentConnection } from './client';
import { act } from './monitor-actions';
import type * as Clusters from './monitor-clusters';
import { Logs } from './monitor-logs';
import { parsePanelMessage } from './monitor-messages';
import { PanelQuestions } from './monitor-questions';
import { reasonOf } from './monitor-reason';
import { Rows, toRow, type Change } from './monitor-rows';
import { AgentSeat } from './monitor-seat';
import { UsageLines } from './monitor-usage';
import { AgentError } from './protocol/errors';
import type { AgentStatus, ClusterStates } from './protocol/messages';
import { MONITOR_PROTOCOL, type Feed, type KernelMessage, type PanelMessage } from './protocol/monitor';

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
  readonly #seat = new AgentSeat();
  readonly #logs: Logs;
  readonly #lines: UsageLines;
  readonly #questions: PanelQuestions;
  readonly #examining = new Map<string, AbortController>();
  readonly #running: Promise<void>;
  #stateDirectory = '';
  #flush: { readonly at: number; readonly timer: NodeJS.Timeout } | undefined;
  #sentAt = 0;
  #isSnapshotSent = false;
  #heardAt = Date.now();
  #answerTimer: NodeJS.Timeout | undefined;
  #feed: Feed = { state: 'connecting', since: Date.now() };

  constructor(options: MonitorOptions) {
    this.#options = options;
    const { send } = options;
    const complain = (error: unknown): void => {
      if (this.#seat.current !== undefined) send({ type: 'error', message: reasonOf(error) });
    };
    this.#logs = new Logs(this.#seat, send, (job) => this.#rows.get(job)?.outputBytes ?? 0);
    this.#lines = new UsageLines(this.#seat, send, complain);
    this.#questions = new PanelQuestions(this.#seat, send);
    // At once: whoever opened this knows that somebody is here, however long the agent takes to start.
    send({ type: 'feed', feed: this.#feed, clusters: [] });
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
    this.#logs.stopAll();
    this.#questions.attend(false);
    for (const stop of this.#examining.values()) stop.abort();
    await this.#running;
  }

  #take(message: PanelMessage): void {
    switch (message.type) {
      case 'snapshot':
        if (this.#isSnapshotSent) this.#sendSnapshot();
        return;
      case 'pong':
        return;
      case 'attend':
        this.#questions.attend(message.isThere);
        return;
      case 'reply':
        void this.#questions.answer(message.id, message.text).catch((error: unknown) => {
          this.#options.send({ type: 'error', message: reasonOf(error) });
        });
        return;
      case 'clusters':
        void this.#tellClusters();
        return;
      case 'measure':
        this.#lines.begin(message.job);
        return;
      case 'unmeasure':
        this.#lines.end(message.job);
        return;
      case 'follow':
        void this.#logs.follow(message);
        return;
      case 'unfollow':
        this.#logs.stop(message.job);
        return;
      case 'action':
        void this.#act(message);
        return;
      case 'config':
        void this.#configure(message);
        return;
      case 'examine':
        void this.#examine(message);
        return;
      case 'stop':
        this.#examining.get(message.request)?.abort();
        return;
    }
  }

  /** Connected, told, lost, connected again: until closed. */
  async #run(): Promise<void> {
    const { signal } = this.#closing;
    for (let wait = FIRST_RETRY_MS; !signal.aborted; wait = Math.min(wait * 2, LAST_RETRY_MS)) {
      const lost = new AbortController();
      try {
        await using agent = await this.#options.connect();
        await this.#relay(agent, AbortSignal.any([signal, lost.signal]), () => (wait = FIRST_RETRY_MS));
      } catch (error) {
        if (!this.#closing.signal.aborted)
          this.#tellFeed({ state: 'lost', since: Date.now(), message: reasonOf(error) });
      } finally {
        lost.abort();
        this.#seat.set(undefined);
      }
      // An abort ends the loop, which looks at the signal itself.
      await sleep(wait, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Ends by an error when the agent is gone. */
  async #relay(agent: AgentConnection, signal: AbortSignal, onLive: () => void): Promise<void> {
    const changes = agent.changes(signal);
    const clusters = agent.clusters(signal);
    // Asked first, so that nothing falls between the list and its changes.
    let change = changes.next();
    change.catch(() => undefined);
    const [status, jobs, known] = await Promise.all([agent.status(), agent.jobs(), clusters.next()]);
    if (this.#closing.signal.aborted) return;
    this.#seat.set(agent);
    if (status.stateDirectory !== this.#stateDirectory) this.#hello(status);
    this.#rows.replace(jobs.map(toRow));
    this.#sendSnapshot();
    this.#tellFeed({ state: 'live', since: Date.now() }, known.done === true ? undefined : known.value);
    onLive();
    this.#lines.again();
    void this.#relayClusters(clusters);
    for (let step = await change; step.done !== true; step = await change) {
      const news = step.value;
      if (news.kind === 'changed') {
        const row = toRow(news.job);
        this.#changed(this.#rows.put(row));
        this.#lines.changed(row);
      } else this.#changed(this.#rows.remove(news.id));
      change = changes.next();
    }
  }

  async #relayClusters(clusters: AsyncIterable<ClusterStates>): Promise<void> {
    try {
      for await (const states of clusters) this.#tellFeed(this.#feed, states);
    } catch {
      // The agent is gone: `#relay`, which hears the same, tells of it.
    }
  }

  /** With the times when each was heard last: somebody looks. */
  async #tellClusters(): Promise<void> {
    const stop = new AbortController();
    try {
      for await (const states of this.#seat.current?.clusters(stop.signal) ?? []) {
        this.#tellFeed(this.#feed, states);
        break;
      }
    } catch (error) {
      this.#options.send({ type: 'error', message: reasonOf(error) });
    } finally {
      stop.abort();
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
  #tellFeed(feed: Feed, states?: ClusterStates): void {
    if (feed.state === 'lost' && this.#feed.state === 'lost' && feed.message === this.#feed.message) return;
    this.#feed = feed;
    this.#options.send({ type: 'feed', feed, ...(states ?? { clusters: [] }) });
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

  async #act({ request, action, job, resources }: Extract<PanelMessage, { type: 'action' }>): Promise<void> {
    const { send } = this.#options;
    try {
      send({ type: 'result', request, ok: true, result: await act(await this.#agent(), action, job, resources) });
    } catch (error) {
      send({ type: 'result', request, ok: false, message: reasonOf(error) });
    }
  }

  async #configure({ request, config: ask }: Extract<PanelMessage, { type: 'config' }>): Promise<void> {
    const { send } = this.#options;
    try {
      const config = loadClusters().configure(ask);
      if ('path' in config) send({ type: 'configured', request, config });
      else send({ type: 'misconfigured', request, mistakes: config });
      if (ask.ask !== 'read') await this.#tellClusters();
    } catch (error) {
      send({ type: 'result', request, ok: false, message: reasonOf(error) });
    }
  }

  async #examine({ request, cluster, what }: Extract<PanelMessage, { type: 'examine' }>): Promise<void> {
    const { send } = this.#options;
    const stop = new AbortController();
    this.#examining.set(request, stop);
    try {
      for await (const finding of loadClusters().examine(await this.#agent(), cluster, what, stop.signal))
        send({ type: 'finding', request, finding });
      send({ type: 'examined', request });
    } catch (error) {
      send({ type: 'result', request, ok: false, message: reasonOf(error) });
    } finally {
      this.#examining.delete(request);
    }
  }

  /** Throws AgentError when there is none for a while. */
  async #agent(): Promise<AgentConnection> {
    const agent = await this.#seat.wait(AbortSignal.any([this.#closing.signal, AbortSignal.timeout(ACTION_WAIT_MS)]));
    if (agent !== undefined) return agent;
    throw new AgentError('The home agent cannot be reached just now. It is tried again by itself; try again then.');
  }
}

/** Only with the first wish: what reads configs takes 7 MB, and a monitor stays small. */
function loadClusters(): typeof Clusters {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- as config/layers.ts does
  return require('./monitor-clusters') as typeof Clusters;
}
