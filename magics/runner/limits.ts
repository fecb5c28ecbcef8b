// What a job was granted, and what happens at the end of it. V8's heap gets a part of the memory, so that its own exhaustion comes first for
// ordinary objects and is told as such; buffers and native memory are caught by sampling the process tree.
import { TREE_READ_MS, readTree } from '../protocol/platform';

const MIB = 1024 * 1024;

/** V8's last words (v8::internal::V8::FatalProcessOutOfMemory); the process then ends by SIGABRT or 134. */
export function isHeapExhausted(lastWords: string): boolean {
  return /(FATAL ERROR|Fatal process out of memory)[^]*(heap out of memory|Allocation failed|out of memory)/.test(
    lastWords,
  );
}

export interface Meter {
  /** At the last look. */
  readonly memoryMiB: number;
  readonly peakMemoryMiB: number;
  readonly cpuSeconds: number;
  stop(): void;
}

/** Without a limit, only the peak is wanted. */
const UNWATCHED_FACTOR = 4;

/** Samples a process tree; `exceeded` is told once, with the memory used, when a limit is passed. */
export function startMeter(pid: number, limitMiB: number | undefined, exceeded: (usedMiB: number) => void): Meter {
  let peak = 0;
  let now = 0;
  let cpuSeconds = 0;
  const sample = (): void => {
    const usage = readTree(pid);
    now = usage.memoryBytes;
    peak = Math.max(peak, now);
    cpuSeconds = Math.max(cpuSeconds, usage.cpuSeconds);
    if (limitMiB === undefined || usage.memoryBytes <= limitMiB * MIB) return;
    clearInterval(timer);
    exceeded(Math.round(usage.memoryBytes / MIB));
  };
  const timer = setInterval(sample, limitMiB === undefined ? TREE_READ_MS * UNWATCHED_FACTOR : TREE_READ_MS);
  sample();
  return {
    get memoryMiB() {
      return now / MIB;
    },
    get peakMemoryMiB() {
      return Math.round((peak / MIB) * 10) / 10;
    },
    get cpuSeconds() {
      return cpuSeconds;
    },
    stop: () => {
      clearInterval(timer);
    },
  };
}
