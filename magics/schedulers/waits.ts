// Why jobs wait, where the answer for all jobs does not say: single jobs are asked about, few at a time, some time after they came into the queue.
import type { NativeId } from '../protocol/job';
import type { RunCommand } from './commands';
import type { BatchDialect, Observation } from './dialect';

/** A queue that moves tells by itself. */
const SETTLED_MS = 4000;
/** What can start once may be kept from it later: a node that is taken away, a queue that is closed. */
const AGAIN_MS = 600_000;
/** In one turn; the others in the next ones. */
const MOST_AT_ONCE = 3;

interface Wait {
  readonly since: number;
  askedAt?: number;
  isStuck?: boolean;
  words?: string;
}

export class Waits {
  readonly #dialect: BatchDialect;
  readonly #run: RunCommand;
  readonly #known = new Map<NativeId, Wait>();
  #left = 0;

  constructor(dialect: BatchDialect, run: RunCommand) {
    this.#dialect = dialect;
    this.#run = run;
  }

  /** A new turn: all jobs have just been asked about. Forgets those that are in the queue no more. */
  begin(seen: ReadonlyMap<NativeId, Observation>): void {
    this.#left = MOST_AT_ONCE;
    for (const id of this.#known.keys()) if (seen.get(id)?.sighting.state !== 'queued') this.#known.delete(id);
  }

  /** What was seen, with the reason and whether it can ever start, as far as that is known. */
  async complete(id: NativeId, seen: Observation, nowMs: number, signal: AbortSignal): Promise<Observation> {
    if (seen.sighting.state !== 'queued') return seen;
    const wait = this.#known.get(id) ?? { since: nowMs };
    this.#known.set(id, wait);
    if (seen.stuck === true) await this.#explain(id, wait, nowMs, signal);
    else if (seen.sighting.reason === undefined) await this.#verify(id, wait, nowMs, signal);
    const reason = [seen.sighting.reason, wait.words].filter((part) => part !== undefined && part !== '').join(' ');
    return {
      ...seen,
      sighting: reason === '' ? seen.sighting : { ...seen.sighting, reason },
      ...(wait.isStuck === true ? { stuck: true as const } : {}),
    };
  }

  async #explain(id: NativeId, wait: Wait, nowMs: number, signal: AbortSignal): Promise<void> {
    const { explain } = this.#dialect;
    if (explain === undefined || wait.askedAt !== undefined || this.#left === 0) return;
    this.#left -= 1;
    wait.askedAt = nowMs;
    wait.words = await this.#ask(id, signal);
  }

  /** What the scheduler says of this one job, in a sentence. */
  async #ask(id: NativeId, signal: AbortSignal): Promise<string> {
    const { explain, title } = this.#dialect;
    const said = explain?.parse(await this.#run(explain.command(id), signal));
    return said === undefined ? '' : `${title} says: ${said}.`;
  }

  async #verify(id: NativeId, wait: Wait, nowMs: number, signal: AbortSignal): Promise<void> {
    const { verify } = this.#dialect;
    const again = wait.isStuck === true ? 0 : AGAIN_MS;
    const isDue = wait.askedAt === undefined ? nowMs - wait.since >= SETTLED_MS : nowMs - wait.askedAt >= again;
    if (verify === undefined || !isDue || this.#left === 0) return;
    this.#left -= 1;
    wait.askedAt = nowMs;
    const never = verify.parse(await this.#run(verify.command(id), signal));
    wait.isStuck = never !== undefined;
    wait.words = never ?? (await this.#ask(id, signal));
  }
}
