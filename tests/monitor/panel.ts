// A panel as the tests need it: everything the monitor sends, the state JupyterLab's panel would show, and a way to wait.
import { JobMonitor } from '../../magics/monitor';
import type { KernelMessage, PanelMessage } from '../../magics/protocol/monitor';
import { applyMessage, NO_JOBS, type Jobs } from '../../labextension/src/model/jobs';
import { until, type Setting } from '../agent/setting';

type Messages<T extends KernelMessage['type']> = Extract<KernelMessage, { type: T }>;

export class Panel implements AsyncDisposable {
  readonly received: KernelMessage[] = [];
  jobs: Jobs = NO_JOBS;
  readonly #monitor: JobMonitor;

  /** Does not answer when asked whether it is there. */
  isDeaf = false;
  isGivenUp = false;

  constructor(setting: Setting, options: { readonly silenceMs?: number; readonly answerMs?: number } = {}) {
    this.#monitor = new JobMonitor({
      ...options,
      onSilent: () => {
        this.isGivenUp = true;
      },
      connect: () => setting.connect(),
      version: '0.0.0-test',
      send: (message) => {
        this.#take(message);
      },
    });
  }

  send(message: PanelMessage): void {
    this.#monitor.receive(message);
  }

  /** As it came over the wire: anything. */
  sendRaw(message: unknown): void {
    this.#monitor.receive(message);
  }

  all<T extends KernelMessage['type']>(type: T): Messages<T>[] {
    return this.received.filter((message): message is Messages<T> => message.type === type);
  }

  until(what: string, look: () => boolean): Promise<boolean> {
    return until(what, look);
  }

  untilLive(): Promise<boolean> {
    return until('the panel is live', () => this.jobs.feed.state === 'live');
  }

  async act(message: Omit<Extract<PanelMessage, { type: 'action' }>, 'type' | 'request'>): Promise<Messages<'result'>> {
    const request = `r${this.received.length}`;
    this.send({ type: 'action', request, ...message });
    return until(`there is a result of ${message.action}`, () =>
      this.all('result').find((result) => result.request === request),
    );
  }

  logOf(job: string): string {
    return this.all('log')
      .filter((message) => message.job === job)
      .flatMap(({ pieces }) => pieces.map(({ text }) => text))
      .join('');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#monitor[Symbol.asyncDispose]();
  }

  #take(message: KernelMessage): void {
    // What does not survive JSON does not survive a comm.
    const arrived: KernelMessage = JSON.parse(JSON.stringify(message)) as KernelMessage;
    this.received.push(arrived);
    switch (arrived.type) {
      case 'ping':
        if (!this.isDeaf) this.send({ type: 'pong' });
        return;
      case 'hello':
      case 'snapshot':
      case 'delta':
      case 'feed': {
        const next = applyMessage(this.jobs, arrived, Date.now());
        if (next === undefined) throw new Error(`A delta does not fit: ${JSON.stringify(arrived)}`);
        this.jobs = next;
        return;
      }
      default:
        return;
    }
  }
}
