// How busy the GPUs of a job are, where NVIDIA's nvidia-smi is there to ask: its query form, one line of numbers for each GPU
// (`nvidia-smi --help-query-gpu`). It takes up to a second, so it is never waited for: the last answer counts.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { GpuReading } from '../protocol/samples';

const PROGRAM = 'nvidia-smi';
const QUERY = ['--query-gpu=index,uuid,utilization.gpu,memory.used', '--format=csv,noheader,nounits'];
const ASK_EVERY_MS = 5000;
const PATIENCE_MS = 4000;

type Environment = Readonly<Record<string, string | undefined>>;

export class GpuMeter {
  readonly #program: string | undefined;
  readonly #visible: string | undefined;
  readonly #stop = new AbortController();
  #last: GpuReading | undefined;
  #askedAt = -Infinity;
  #isAsking = false;
  #isOver = false;

  /** `environment`: of the job, over that of this process. */
  constructor(environment: Environment, own: Environment = process.env) {
    this.#program = findProgram(environment['PATH'] ?? own['PATH'] ?? '');
    this.#visible = environment['CUDA_VISIBLE_DEVICES'] ?? own['CUDA_VISIBLE_DEVICES'];
  }

  /** What was measured last. Asks again by itself when that is old. */
  look(): GpuReading | undefined {
    const now = performance.now();
    if (this.#program !== undefined && !this.#isOver && !this.#isAsking && now - this.#askedAt >= ASK_EVERY_MS)
      this.#ask(this.#program, now);
    return this.#last;
  }

  stop(): void {
    this.#isOver = true;
    this.#stop.abort();
  }

  #ask(program: string, now: number): void {
    this.#isAsking = true;
    this.#askedAt = now;
    execFile(program, QUERY, { timeout: PATIENCE_MS, signal: this.#stop.signal }, (error, stdout) => {
      this.#isAsking = false;
      // Without a driver it fails each time: once is enough to know.
      if (error !== null) this.#isOver = true;
      else this.#last = readGpus(stdout, this.#visible);
    });
  }
}

/** `0, GPU-5e…, 87, 10240` a line, in percent and MiB. `visible`: CUDA_VISIBLE_DEVICES, by index or UUID. Undefined: none of them tells. */
export function readGpus(answer: string, visible: string | undefined): GpuReading | undefined {
  const wanted = visible?.split(',').map((word) => word.trim());
  const rows = answer
    .split('\n')
    .map((line) => line.split(',').map((word) => word.trim()))
    .filter(([index = '', uuid = '']) => uuid !== '' && (wanted === undefined || isWanted(wanted, index, uuid)))
    // `[N/A]` where a card does not tell.
    .flatMap(([, , percent, memory]) => {
      const reading = { percent: Number(percent), memoryMiB: Number(memory) };
      return Number.isFinite(reading.percent) && Number.isFinite(reading.memoryMiB) ? [reading] : [];
    });
  if (rows.length === 0) return undefined;
  return {
    percent: Math.round(rows.reduce((sum, row) => sum + row.percent, 0) / rows.length),
    memoryMiB: rows.reduce((sum, row) => sum + row.memoryMiB, 0),
  };
}

/** A UUID may be cut short (CUDA C++ Programming Guide, "CUDA Environment Variables"). */
function isWanted(wanted: readonly string[], index: string, uuid: string): boolean {
  return wanted.some((word) => word === index || (word.startsWith('GPU-') && uuid.startsWith(word)));
}

function findProgram(path: string): string | undefined {
  const places = path.split(delimiter).filter((place) => place !== '');
  return places.map((place) => join(place, PROGRAM)).find((program) => existsSync(program));
}
