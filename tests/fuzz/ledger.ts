// What was asked of a kernel and what came back: nothing may be lost, doubled, or out of order.
import type { Received } from '../kernel/client';

export interface Asked {
  readonly type: string;
  readonly channel: string;
  readonly silent: boolean;
}

interface Account {
  readonly asked: Asked[];
  readonly replies: Received[];
  idles: number;
  busies: number;
  /** Since the last idle. */
  isBusy: boolean;
}

/** Requests the protocol has no reply for. */
const UNANSWERED = new Set(['comm_open', 'comm_msg', 'comm_close', 'unheard_of_request']);

export class Ledger {
  readonly #accounts = new Map<string, Account>();
  readonly #open = new Set<string>();
  readonly #faults: string[] = [];
  #changed: (() => void) | undefined;

  /** What is not as it should be, in words. */
  get faults(): readonly string[] {
    return this.#faults;
  }

  /** Ids of what has not been answered, or not ended by `idle`. */
  get open(): ReadonlySet<string> {
    return this.#open;
  }

  /** Of what the kernel had begun with, this has no end: none of it may be there once the kernel is gone. */
  get begun(): readonly string[] {
    return [...this.#open].filter((id) => (this.#accounts.get(id)?.busies ?? 0) > (this.#accounts.get(id)?.idles ?? 0));
  }

  describeOpen(): string {
    return [...this.#open]
      .map(
        (id) =>
          `${id} (${
            this.#accounts
              .get(id)
              ?.asked.map(({ type }) => type)
              .join(', ') ?? '?'
          })`,
      )
      .join('; ');
  }

  ask(id: string, asked: Asked): void {
    const account = this.#accounts.get(id) ?? { asked: [], replies: [], idles: 0, busies: 0, isBusy: false };
    account.asked.push(asked);
    this.#accounts.set(id, account);
    this.#open.add(id);
  }

  hasOpen(type: string): boolean {
    return [...this.#open].some((id) => this.#accounts.get(id)?.asked.some((asked) => asked.type === type));
  }

  reply(channel: string, message: Received): void {
    const { parentId: id, type, content } = message;
    const account = this.#accounts.get(id);
    if (account === undefined) this.#fault(`${type} to nothing that was asked (parent ${JSON.stringify(id)})`);
    else {
      account.replies.push(message);
      const wanted = account.asked.filter((asked) => replyTo(asked.type) === type && asked.channel === channel);
      const given = account.replies.filter((reply) => reply.type === type);
      if (wanted.length === 0) this.#fault(`${id}: ${type} on ${channel} to ${JSON.stringify(account.asked)}`);
      // With one id on both channels, replies of one type are told apart by their number alone.
      else if (given.length > account.asked.filter((asked) => replyTo(asked.type) === type).length)
        this.#fault(`${id}: ${given.length} times ${type}`);
      const { status } = content;
      if (
        type !== 'connect_reply' &&
        !['ok', 'error', 'aborted', 'complete', 'incomplete', 'invalid', 'unknown'].includes(String(status))
      )
        this.#fault(`${id}: ${type} with the status ${JSON.stringify(status)}`);
    }
    this.#look(id);
  }

  publish({ type, parentId: id, content }: Received): void {
    const account = this.#accounts.get(id);
    if (account === undefined) {
      if (id !== '') this.#fault(`${type} of nothing that was asked (parent ${JSON.stringify(id)})`);
      return;
    }
    if (type === 'status') this.#takeStatus(id, account, String(content['execution_state']));
    else if (account.busies === 0) this.#fault(`${id}: ${type} before busy`);
    const isCell = [
      'execute_input',
      'execute_result',
      'stream',
      'error',
      'display_data',
      'update_display_data',
    ].includes(type);
    if (isCell && account.asked.every((asked) => asked.type !== 'execute_request' || asked.silent))
      // A comm's listener prints into the cell that added it, so even then its parent is a cell.
      this.#fault(`${id}: ${type} of what is no cell, or a silent one`);
    this.#look(id);
  }

  /** Resolves when something has changed, or the time is over. */
  change(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#changed = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #takeStatus(id: string, account: Account, state: string): void {
    if (state === 'busy') {
      if (account.idles >= account.asked.length) this.#fault(`${id}: busy after the last idle`);
      account.busies++;
      account.isBusy = true;
      return;
    }
    if (state !== 'idle') {
      this.#fault(`${id}: the status ${state}`);
      return;
    }
    account.idles++;
    if (!account.isBusy && account.asked.length === 1) this.#fault(`${id}: idle without busy`);
    account.isBusy = false;
    if (account.idles > account.asked.length)
      this.#fault(`${id}: ${account.idles} times idle for ${account.asked.length} requests`);
  }

  #look(id: string): void {
    const account = this.#accounts.get(id);
    if (account === undefined) return;
    const wanted = account.asked.filter(({ type }) => !UNANSWERED.has(type)).length;
    if (account.replies.length >= wanted && account.idles >= account.asked.length) this.#open.delete(id);
    this.#changed?.();
    this.#changed = undefined;
  }

  #fault(text: string): void {
    if (this.#faults.length < 20) this.#faults.push(text);
  }
}

function replyTo(type: string): string {
  return type.replace(/_request$/, '_reply');
}
