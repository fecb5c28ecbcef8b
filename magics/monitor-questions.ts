// Questions of hosts, for the person before a panel. Heard only while somebody is there: whoever listens makes hosts wait for an answer, and has a lost
// connection tried again that needs one.
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentSeat } from './monitor-seat';
import type { KernelMessage } from './protocol/monitor';

const AGAIN_MS = 1000;

export class PanelQuestions {
  readonly #seat: AgentSeat;
  readonly #send: (message: KernelMessage) => void;
  #listening: AbortController | undefined;

  constructor(seat: AgentSeat, send: (message: KernelMessage) => void) {
    this.#seat = seat;
    this.#send = send;
  }

  attend(isThere: boolean): void {
    if (isThere === (this.#listening !== undefined)) return;
    this.#listening?.abort();
    this.#listening = isThere ? new AbortController() : undefined;
    if (this.#listening) void this.#listen(this.#listening.signal);
  }

  /** Throws AgentError when it cannot be told. */
  async answer(id: number, text: string | undefined): Promise<void> {
    await this.#seat.current?.answer(id, text);
  }

  /** With one agent after the other. */
  async #listen(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const agent = await this.#seat.wait(signal);
      const open = new Set<number>();
      try {
        for await (const event of agent?.questions(signal) ?? []) {
          if (event.kind === 'settled') {
            if (open.delete(event.id)) this.#send({ type: 'settled', id: event.id });
            continue;
          }
          const { id, host, text, isSecret } = event;
          open.add(id);
          this.#send({ type: 'question', id, host, text, isSecret });
        }
      } catch {
        // The agent is gone, and its questions with it; who keeps the connection tells of that.
      }
      for (const id of open) this.#send({ type: 'settled', id });
      await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
