// The home agent as the parts of a monitor see it: there, not there, or about to be. Only who keeps the connection changes it.
import type { AgentConnection } from './client';

export class AgentSeat {
  readonly #waiting = new Set<() => void>();
  #agent: AgentConnection | undefined;

  get current(): AgentConnection | undefined {
    return this.#agent;
  }

  set(agent: AgentConnection | undefined): void {
    this.#agent = agent;
    if (agent === undefined) return;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** As soon as there is one; undefined when the signal is aborted before. */
  async wait(signal: AbortSignal): Promise<AgentConnection | undefined> {
    while (this.#agent === undefined && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    return signal.aborted ? undefined : this.#agent;
  }
}
