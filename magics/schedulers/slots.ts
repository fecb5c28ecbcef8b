// Who has which processors, GPUs and how much memory of this machine. Pure accounting.
import { JobRejectedError } from '../protocol/job-errors';
import type { Resources } from '../protocol/job';

export interface Machine {
  readonly cores: number;
  readonly memoryMiB: number;
  /** Processor numbers, as many as `cores`, where the platform lets us choose among them. */
  readonly cpus?: readonly number[];
  /** Of nodes that were granted with them: the names that CUDA_VISIBLE_DEVICES has for them. */
  readonly gpus?: readonly string[];
}

export interface Slot {
  readonly cores: number;
  readonly memoryMiB: number;
  readonly cpus?: readonly number[];
  readonly gpus?: readonly string[];
}

export class Slots {
  readonly machine: Machine;
  readonly #taken = new Set<Slot>();

  constructor(machine: Machine) {
    this.machine = machine;
  }

  get usedCores(): number {
    return [...this.#taken].reduce((sum, slot) => sum + slot.cores, 0);
  }

  get promisedMiB(): number {
    return [...this.#taken].reduce((sum, slot) => sum + slot.memoryMiB, 0);
  }

  /** Refuses what this machine could not give to anybody. */
  check(resources: Resources): void {
    const { cores, memoryMiB } = this.machine;
    if (resources.cores < 1)
      throw new JobRejectedError('Cannot run a job on 0 cores. Ask for at least 1 with --cores.');
    if (resources.cores > cores)
      throw new JobRejectedError(
        `Cannot run this on ${resources.cores} cores: this machine has ${cores}. Ask for at most ${cores} with --cores, or choose another cluster.`,
      );
    if ((resources.memoryMiB ?? 0) > memoryMiB)
      throw new JobRejectedError(
        `Cannot give this ${resources.memoryMiB ?? 0} MiB of memory: this machine has ${memoryMiB} MiB. Ask for less with --memory, or choose another cluster.`,
      );
    const gpus = this.machine.gpus?.length ?? 0;
    if (gpus > 0 && (resources.gpus ?? 0) > gpus)
      throw new JobRejectedError(`Cannot give this ${resources.gpus ?? 0} GPUs: ${gpus} were granted.`);
    if (gpus === 0 && (resources.gpus ?? 0) > 0)
      throw new JobRejectedError(
        'Cannot give this a GPU: the local scheduler shares out cores and memory only. Leave --gpus out, or choose another cluster.',
      );
  }

  /** undefined: not enough is free. `preferred` processors are given if they are free and as many as asked. */
  take(resources: Resources, preferred?: readonly number[]): Slot | undefined {
    if (this.shortage(resources) !== undefined) return undefined;
    const cpus = this.#choose(resources.cores, preferred);
    const gpus = this.machine.gpus === undefined ? undefined : this.#freeGpus().slice(0, resources.gpus ?? 0);
    const slot = {
      cores: resources.cores,
      memoryMiB: resources.memoryMiB ?? 0,
      ...(cpus === undefined ? {} : { cpus }),
      ...(gpus === undefined ? {} : { gpus }),
    };
    this.#taken.add(slot);
    return slot;
  }

  /** Counts a job that runs already, whatever is free. */
  retake(resources: Resources, cpus: readonly number[] | undefined): Slot {
    const slot = {
      cores: resources.cores,
      memoryMiB: resources.memoryMiB ?? 0,
      ...(cpus === undefined ? {} : { cpus }),
    };
    this.#taken.add(slot);
    return slot;
  }

  free(slot: Slot): void {
    this.#taken.delete(slot);
  }

  /** Why this cannot start now, in words. */
  shortage(resources: Resources): string | undefined {
    const freeCores = Math.max(0, this.machine.cores - this.usedCores);
    if (resources.cores > freeCores)
      return `waiting for ${resources.cores} cores, ${freeCores} of ${this.machine.cores} are free`;
    const freeMiB = Math.max(0, this.machine.memoryMiB - this.promisedMiB);
    if ((resources.memoryMiB ?? 0) > freeMiB)
      return `waiting for ${resources.memoryMiB ?? 0} MiB of memory, ${freeMiB} of ${this.machine.memoryMiB} MiB are free`;
    const freeGpus = this.#freeGpus().length;
    if ((resources.gpus ?? 0) > freeGpus) return `waiting for ${resources.gpus ?? 0} GPUs, ${freeGpus} are free`;
    return undefined;
  }

  #freeGpus(): readonly string[] {
    const taken = new Set([...this.#taken].flatMap((slot) => slot.gpus ?? []));
    return (this.machine.gpus ?? []).filter((gpu) => !taken.has(gpu));
  }

  /** Processors that nobody has. undefined: no need to choose. */
  #choose(cores: number, preferred: readonly number[] | undefined): readonly number[] | undefined {
    const all = this.machine.cpus;
    if (all === undefined || cores >= this.machine.cores) return undefined;
    const taken = new Set([...this.#taken].flatMap((slot) => slot.cpus ?? []));
    if (preferred?.length === cores && preferred.every((cpu) => all.includes(cpu) && !taken.has(cpu))) return preferred;
    const free = all.filter((cpu) => !taken.has(cpu));
    // Adopted jobs may have been given processors by other rules; then the count is right and the choice is the system's.
    return free.length >= cores ? free.slice(0, cores) : undefined;
  }
}
