// What one job has used over its time, as long as somebody looks at it.
import type { KernelMessage, UsageSamples } from '../../../magics/protocol/monitor';
import type { Send } from './client';
import { Store, type Readable } from './store';

type Measured = Extract<KernelMessage, { type: 'measured' }>;

export class FollowedUsage {
  readonly job: string;
  readonly #onUnused: () => void;
  readonly #samples = new Store<UsageSamples | undefined>(undefined);
  #users = 0;

  constructor(job: string, onUnused: () => void) {
    this.job = job;
    this.#onUnused = onUnused;
  }

  /** Undefined: nothing was told, perhaps because it has run for a moment only. */
  get samples(): Readable<UsageSamples | undefined> {
    return this.#samples;
  }

  retain(): void {
    this.#users += 1;
  }

  release(): void {
    this.#users -= 1;
    if (this.#users === 0) this.#onUnused();
  }

  follow(send: Send): void {
    send({ type: 'measure', job: this.job });
  }

  receive({ from, stepSeconds, cores, memoryMiB, gpuPercent, gpuMemoryMiB }: Measured): void {
    const known = this.#samples.value;
    const keep = (values: readonly number[] | undefined, more: readonly number[]): readonly number[] => [
      ...(values ?? []).slice(0, from),
      ...more,
    ];
    // What does not follow is of a conversation that was lost meanwhile.
    if (from > (known?.cores.length ?? 0)) return;
    this.#samples.set({
      stepSeconds,
      cores: keep(known?.cores, cores),
      memoryMiB: keep(known?.memoryMiB, memoryMiB),
      ...(gpuPercent === undefined ? {} : { gpuPercent: keep(known?.gpuPercent, gpuPercent) }),
      ...(gpuMemoryMiB === undefined ? {} : { gpuMemoryMiB: keep(known?.gpuMemoryMiB, gpuMemoryMiB) }),
    });
  }
}
