// The panel's side of the conversation with the monitor: keeps what it knows, asks for actions, follows logs, and takes all of it up again when the
// channel was lost. Knows nothing of JupyterLab: a channel is a way to send.
import {
  MONITOR_PROTOCOL,
  type ActionResult,
  type JobAction,
  type KernelMessage,
  type PanelMessage,
  type RetryResources,
} from '../../../magics/protocol/monitor';
import { applyMessage, NO_JOBS, type Jobs } from './jobs';
import { FollowedLog, type LogLimits } from './followed-log';
import { Store, type Readable } from './store';
import { isOver, type Translation } from './words';

export type Send = (message: PanelMessage) => void;

interface Asked {
  readonly resolve: (result: ActionResult) => void;
  readonly reject: (error: Error) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

const ANSWER_MS = 60_000;

export interface MonitorClientOptions {
  readonly trans: Translation;
  readonly limits: () => LogLimits;
  /** The kernel speaks another version of the protocol: nothing it says is used. */
  readonly onRefused: (message: string) => void;
}

export class MonitorClient {
  readonly #options: MonitorClientOptions;
  readonly #jobs = new Store<Jobs>(NO_JOBS);
  readonly #cancelling = new Store<ReadonlySet<string>>(new Set());
  readonly #logs = new Map<string, FollowedLog>();
  readonly #asked = new Map<string, Asked>();
  #send: Send | undefined;
  #requests = 0;

  constructor(options: MonitorClientOptions) {
    this.#options = options;
  }

  get jobs(): Readable<Jobs> {
    return this.#jobs;
  }

  /** Jobs whose cancellation was asked for here and is not known there yet. */
  get cancelling(): Readable<ReadonlySet<string>> {
    return this.#cancelling;
  }

  /** A channel is open: the kernel tells everything by itself, logs go on where they were. */
  connected(send: Send): void {
    this.#send = send;
    for (const log of this.#logs.values()) log.follow(send);
  }

  /** What was asked is not answered any more. What is known stays, to be shown as old. */
  disconnected(): void {
    this.#send = undefined;
    for (const request of [...this.#asked.keys()])
      this.#settle(
        request,
        new Error(this.#options.trans.__('The connection to the job monitor was lost. Try again.')),
      );
    this.#cancelling.set(new Set());
    const jobs = this.#jobs.value;
    // From now on it grows old.
    if (jobs.feed.state === 'live')
      this.#jobs.set({ ...jobs, feed: { state: 'connecting', since: Date.now() + jobs.clockOffset } });
  }

  receive(data: unknown): void {
    const message = toMessage(data);
    if (message === undefined) return;
    switch (message.type) {
      case 'hello':
        if (message.protocol !== MONITOR_PROTOCOL) this.#refuse(message.version);
        else this.#apply(message);
        return;
      case 'snapshot':
      case 'delta':
      case 'feed':
        this.#apply(message);
        return;
      case 'log':
        this.#logs.get(message.job)?.receive(message);
        return;
      case 'result':
        this.#settle(message.request, message.ok ? message.result : new Error(message.message));
        return;
      case 'ping':
        this.#send?.({ type: 'pong' });
        return;
      case 'error':
        console.warn(`Cellburst: ${message.message}`);
        return;
    }
  }

  async act(action: JobAction, job: string, resources?: RetryResources): Promise<ActionResult> {
    const send = this.#send;
    if (send === undefined)
      throw new Error(this.#options.trans.__('The job monitor is not connected. Reconnect, then try again.'));
    if (action === 'cancel') this.#markCancelling(job, true);
    try {
      return await this.#ask(send, action, job, resources);
    } catch (error) {
      if (action === 'cancel') this.#markCancelling(job, false);
      throw error;
    }
  }

  /** The job's output from now on. Whoever asks must call `release` once; the same job's log is shared. */
  followLog(job: string): FollowedLog {
    let log = this.#logs.get(job);
    if (log === undefined) {
      log = new FollowedLog(job, this.#options.limits(), () => {
        this.#logs.delete(job);
        this.#send?.({ type: 'unfollow', job });
      });
      this.#logs.set(job, log);
      if (this.#send) log.follow(this.#send);
    }
    log.retain();
    return log;
  }

  #ask(send: Send, action: JobAction, job: string, resources?: RetryResources): Promise<ActionResult> {
    this.#requests += 1;
    const request = `${String(this.#requests)}-${Math.random().toString(36).slice(2)}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const { trans } = this.#options;
        this.#settle(request, new Error(trans.__('The kernel did not answer within %1 s.', ANSWER_MS / 1000)));
      }, ANSWER_MS);
      this.#asked.set(request, { resolve, reject, timer });
      send({ type: 'action', request, action, job, ...(resources === undefined ? {} : { resources }) });
    });
  }

  #settle(request: string, answer: ActionResult | Error): void {
    const asked = this.#asked.get(request);
    if (!asked) return;
    this.#asked.delete(request);
    clearTimeout(asked.timer);
    if (answer instanceof Error) asked.reject(answer);
    else asked.resolve(answer);
  }

  #apply(message: Parameters<typeof applyMessage>[1]): void {
    const next = applyMessage(this.#jobs.value, message, Date.now());
    if (next === undefined) {
      this.#send?.({ type: 'snapshot' });
      return;
    }
    this.#jobs.set(next);
    if (message.type === 'snapshot' || message.type === 'delta') this.#forgetCancelled(next);
  }

  #markCancelling(job: string, is: boolean): void {
    const jobs = new Set(this.#cancelling.value);
    if (is) jobs.add(job);
    else jobs.delete(job);
    this.#cancelling.set(jobs);
  }

  #forgetCancelled({ rows }: Jobs): void {
    const open = [...this.#cancelling.value].filter((id) => {
      const row = rows.get(id);
      return row !== undefined && row.cancelRequestedAt === undefined && !isOver(row);
    });
    if (open.length < this.#cancelling.value.size) this.#cancelling.set(new Set(open));
  }

  #refuse(version: string): void {
    this.#options.onRefused(
      this.#options.trans.__(
        'The kernel is Cellburst %1, which this panel does not understand. Update both with `npx cellburst install`, then reload this page.',
        version,
      ),
    );
  }
}

const TYPES: ReadonlySet<string> = new Set(['hello', 'snapshot', 'delta', 'feed', 'log', 'result', 'ping', 'error']);

/**
 * Comm data is JSON of our own kernel, whose version the greeting has told; messages of kinds we do not know are left out. What is inside is
 * only ever compared, counted and shown as text.
 */
function toMessage(data: unknown): KernelMessage | undefined {
  if (typeof data !== 'object' || data === null || !('type' in data)) return undefined;
  return typeof data.type === 'string' && TYPES.has(data.type) ? (data as KernelMessage) : undefined;
}
