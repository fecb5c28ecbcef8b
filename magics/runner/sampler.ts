// Writes down what a job uses over its time (protocol/samples.ts), step by step as it runs. A job that is over before the first step leaves nothing.
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SAMPLES_FILE } from '../protocol/layout';
import { addSample, type GpuReading, type UsageSamples } from '../protocol/samples';
import { GpuMeter } from './gpus';

const STEP_SECONDS = 2;

export class Sampler {
  readonly #path: string;
  readonly #startedAt = performance.now();
  readonly #gpus: GpuMeter;
  #samples: UsageSamples = { stepSeconds: STEP_SECONDS, cores: [], memoryMiB: [] };
  #cpuSeconds = 0;
  #sampledAt = 0;
  #memoryMiB = 0;

  constructor(directory: string, environment: Readonly<Record<string, string>>) {
    this.#path = join(directory, SAMPLES_FILE);
    this.#gpus = new GpuMeter(environment);
  }

  /** To be told often: what the job uses just now, and the processor time it has taken so far. Throws what the system throws when it cannot be written. */
  tell(now: { readonly memoryMiB: number; readonly cpuSeconds: number }): void {
    this.#memoryMiB = Math.max(this.#memoryMiB, now.memoryMiB);
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const passed = seconds - this.#sampledAt;
    if (passed < this.#samples.stepSeconds) return;
    const gpu = this.#gpus.look();
    this.#add((now.cpuSeconds - this.#cpuSeconds) / passed, gpu);
    this.#cpuSeconds = now.cpuSeconds;
    this.#sampledAt = seconds;
    this.#memoryMiB = 0;
  }

  stop(): void {
    this.#gpus.stop();
  }

  #add(cores: number, gpu: GpuReading | undefined): void {
    const point = { cores: Math.max(0, round(cores)), memoryMiB: round(this.#memoryMiB) };
    this.#samples = addSample(this.#samples, gpu === undefined ? point : { ...point, gpu });
    writeFileSync(`${this.#path}.part`, JSON.stringify(this.#samples), { mode: 0o600 });
    renameSync(`${this.#path}.part`, this.#path);
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
