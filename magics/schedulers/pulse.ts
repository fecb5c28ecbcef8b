// Whether a cluster answers: what the last word from there was, and when. Told on when it changes, not with each word.
import { messageOf } from '../protocol/errors';
import type { Health } from './scheduler';

export class Pulse {
  readonly #changed: () => void;
  #health: Health = { state: 'unknown' };

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get health(): Health {
    return this.#health;
  }

  heard(): void {
    const { state } = this.#health;
    this.#health = { state: 'ok', heardAt: Date.now() };
    if (state !== 'ok') this.#changed();
  }

  failed(error: unknown): void {
    const before = this.#health;
    const message = messageOf(error);
    this.#health = { state: 'down', message, ...('heardAt' in before ? { heardAt: before.heardAt } : {}) };
    if (before.state !== 'down' || before.message !== message) this.#changed();
  }
}
