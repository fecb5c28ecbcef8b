// The panel's side of the conversation with the monitor: keeps what it knows, asks for actions, follows logs, and takes all of it up again when the
// channel was lost. Knows nothing of JupyterLab: a channel is a way to send.
import {
  MONITOR_PROTOCOL,
  type ActionResult,
  type ConfigAsk,
  type ConfigFileState,
  type FieldMistake,
  type Finding,
  type JobAction,
  type KernelMessage,
  type PanelMessage,
  type RetryResources,
} from '../../../magics/protocol/monitor';
import { applyMessage, NO_JOBS, type Jobs } from './jobs';
import { FollowedLog, type LogLimits } from './followed-log';
import { FollowedUsage } from './followed-usage';
import { Inquiries } from './inquiries';
import { Store, type Readable } from './store';
import { isOver, type Translation } from './words';

export type Send = (message: PanelMessage) => void;
export type HostQuestion = Extract<KernelMessage, { type: 'question' }>;

type Answer =
  | { readonly kind: 'done'; readonly result: ActionResult }
  | { readonly kind: 'config'; readonly config: ConfigFileState }
  | { readonly kind: 'mistakes'; readonly mistakes: readonly FieldMistake[] }
  | { readonly kind: 'examined' };

const ANSWER_MS = 60_000;
/** A look at a cluster waits for a person, a network and a queue. */
const EXAMINE_MS = 10 * 60_000;

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
  readonly #questions = new Store<readonly HostQuestion[]>([]);
  readonly #logs = new Map<string, FollowedLog>();
  readonly #usages = new Map<string, FollowedUsage>();
  readonly #asked = new Inquiries<Answer>();
  readonly #findings = new Map<string, (finding: Finding) => void>();
  #send: Send | undefined;
  #isAttended = false;

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

  /** What hosts want of the person, oldest first. */
  get questions(): Readable<readonly HostQuestion[]> {
    return this.#questions;
  }

  /** A channel is open: the kernel tells everything by itself, logs go on where they were. */
  connected(send: Send): void {
    this.#send = send;
    for (const log of this.#logs.values()) log.follow(send);
    for (const usage of this.#usages.values()) usage.follow(send);
    if (this.#isAttended) send({ type: 'attend', isThere: true });
  }

  /** What was asked is not answered any more. What is known stays, to be shown as old. */
  disconnected(): void {
    this.#send = undefined;
    const { trans } = this.#options;
    this.#asked.fail(new Error(trans.__('The connection to the job monitor was lost. Try again.')));
    this.#cancelling.set(new Set());
    if (this.#questions.value.length > 0) this.#questions.set([]);
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
      case 'measured':
        this.#usages.get(message.job)?.receive(message);
        return;
      case 'result':
        this.#asked.settle(
          message.request,
          message.ok ? { kind: 'done', result: message.result } : new Error(message.message),
        );
        return;
      case 'configured':
        this.#asked.settle(message.request, { kind: 'config', config: message.config });
        return;
      case 'misconfigured':
        this.#asked.settle(message.request, { kind: 'mistakes', mistakes: message.mistakes });
        return;
      case 'finding':
        this.#findings.get(message.request)?.(message.finding);
        return;
      case 'examined':
        this.#asked.settle(message.request, { kind: 'examined' });
        return;
      case 'question':
        this.#questions.set([...this.#questions.value, message]);
        return;
      case 'settled':
        this.#questions.set(this.#questions.value.filter(({ id }) => id !== message.id));
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
    const send = this.#connection();
    if (action === 'cancel') this.#markCancelling(job, true);
    const { request, answer } = this.#begin(ANSWER_MS);
    send({ type: 'action', request, action, job, ...(resources === undefined ? {} : { resources }) });
    try {
      const answered = await answer;
      if (answered.kind !== 'done') throw new Error(this.#options.trans.__('The kernel gave another answer.'));
      return answered.result;
    } catch (error) {
      if (action === 'cancel') this.#markCancelling(job, false);
      throw error;
    }
  }

  /** A list: nothing was written, and why. */
  async configure(config: ConfigAsk): Promise<ConfigFileState | readonly FieldMistake[]> {
    const send = this.#connection();
    const { request, answer } = this.#begin(ANSWER_MS);
    send({ type: 'config', request, config });
    const answered = await answer;
    if (answered.kind === 'config') return answered.config;
    if (answered.kind === 'mistakes') return answered.mistakes;
    throw new Error(this.#options.trans.__('The kernel gave another answer.'));
  }

  /** Has a cluster looked at; each step is told as it is done. Settles at the end, or when the signal is aborted. */
  async examine(
    cluster: string,
    what: 'reach' | 'job' | 'all',
    found: (finding: Finding) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const send = this.#connection();
    const { request, answer } = this.#begin(EXAMINE_MS);
    this.#findings.set(request, found);
    const stop = (): void => {
      this.#send?.({ type: 'stop', request });
      this.#asked.settle(request, { kind: 'examined' });
    };
    signal.addEventListener('abort', stop);
    send({ type: 'examine', request, cluster, what });
    try {
      await answer;
    } finally {
      signal.removeEventListener('abort', stop);
      this.#findings.delete(request);
    }
  }

  /** Somebody sits before the panel: questions of hosts may come. */
  attend(isThere: boolean): void {
    if (isThere === this.#isAttended) return;
    this.#isAttended = isThere;
    this.#send?.({ type: 'attend', isThere });
    if (!isThere) this.#questions.set([]);
  }

  /** Undefined: the person would rather not say. */
  reply(id: number, text: string | undefined): void {
    this.#questions.set(this.#questions.value.filter((question) => question.id !== id));
    this.#send?.({ type: 'reply', id, ...(text === undefined ? {} : { text }) });
  }

  /** Asks when each cluster was heard last. */
  refreshClusters(): void {
    this.#send?.({ type: 'clusters' });
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

  /** As `followLog`, of what the job uses. */
  followUsage(job: string): FollowedUsage {
    let usage = this.#usages.get(job);
    if (usage === undefined) {
      usage = new FollowedUsage(job, () => {
        this.#usages.delete(job);
        this.#send?.({ type: 'unmeasure', job });
      });
      this.#usages.set(job, usage);
      if (this.#send) usage.follow(this.#send);
    }
    usage.retain();
    return usage;
  }

  #connection(): Send {
    if (this.#send !== undefined) return this.#send;
    throw new Error(this.#options.trans.__('The job monitor is not connected. Reconnect, then try again.'));
  }

  #begin(patienceMs: number) {
    const { trans } = this.#options;
    return this.#asked.begin(patienceMs, () => trans.__('The kernel did not answer within %1 s.', patienceMs / 1000));
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

const TYPES: Readonly<Record<KernelMessage['type'], true>> = {
  hello: true,
  snapshot: true,
  delta: true,
  feed: true,
  log: true,
  measured: true,
  result: true,
  configured: true,
  misconfigured: true,
  finding: true,
  examined: true,
  question: true,
  settled: true,
  ping: true,
  error: true,
};

/**
 * Comm data is JSON of our own kernel, whose version the greeting has told; messages of kinds we do not know are left out. What is inside is
 * only ever compared, counted and shown as text.
 */
function toMessage(data: unknown): KernelMessage | undefined {
  if (typeof data !== 'object' || data === null || !('type' in data)) return undefined;
  return typeof data.type === 'string' && Object.hasOwn(TYPES, data.type) ? (data as KernelMessage) : undefined;
}
