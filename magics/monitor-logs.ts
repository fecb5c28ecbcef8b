// The logs that a panel follows: each waits for the agent, goes on with the next one when that is lost, and says why when there is nothing to follow.
import { followLog } from './monitor-log';
import type { KernelMessage, PanelMessage } from './protocol/monitor';
import type { AgentSeat } from './monitor-seat';
import { reasonOf } from './monitor-reason';

type LogMessage = Extract<KernelMessage, { readonly type: 'log' }>;

export class Logs {
  readonly #seat: AgentSeat;
  readonly #send: (message: LogMessage) => void;
  readonly #sizeOf: (job: string) => number;
  readonly #following = new Map<string, AbortController>();

  /** `sizeOf`: bytes of output there are by now, as far as known. */
  constructor(seat: AgentSeat, send: (message: LogMessage) => void, sizeOf: (job: string) => number) {
    this.#seat = seat;
    this.#send = send;
    this.#sizeOf = sizeOf;
  }

  stop(job: string): void {
    this.#following.get(job)?.abort();
  }

  stopAll(): void {
    for (const stop of this.#following.values()) stop.abort();
  }

  /** Settles when the log is over, or followed no more. */
  async follow({ job, from, tailBytes }: Extract<PanelMessage, { type: 'follow' }>): Promise<void> {
    this.stop(job);
    const stop = new AbortController();
    const { signal } = stop;
    this.#following.set(job, stop);
    let position = from;
    const send = (message: LogMessage): void => {
      position = message.next;
      this.#send(message);
    };
    for (let isOver = false; !isOver && !signal.aborted;) {
      const agent = await this.#seat.wait(signal);
      if (agent === undefined) break;
      try {
        const { id } = await agent.job(job);
        await followLog(agent.output(id, { from: position, signal }), {
          ...{ job, from: position, tailBytes, size: () => this.#sizeOf(job), send, signal },
        });
        isOver = true;
      } catch (error) {
        isOver = this.#seat.current === agent;
        const nothing = { type: 'log', job, from: position, next: position, pieces: [], ended: false } as const;
        if (isOver && !stop.signal.aborted) send({ ...nothing, problem: reasonOf(error) });
      }
    }
    if (this.#following.get(job) === stop) this.#following.delete(job);
  }
}
