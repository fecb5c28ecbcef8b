// What a job used over its time, for a line in a panel: points at equal steps from its start. When there are too many, two become one and the step
// doubles, so that a job of a second and one of a week are both drawn whole, from a file of some 3 kB.
import { listOf, number, record, type Shaped } from './shape';

export const usageSamples = record(
  {
    stepSeconds: number,
    /** Cores kept busy, on average over the step. */
    cores: listOf(number),
    /** The most that was seen in the step. */
    memoryMiB: listOf(number),
  },
  {
    /** Of the GPUs that it may use, on average: 0 to 100. Absent where nothing tells. */
    gpuPercent: listOf(number),
    /** Of all of them together. */
    gpuMemoryMiB: listOf(number),
  },
);
export type UsageSamples = Shaped<typeof usageSamples>;

/** A finer line than a panel is wide helps nobody. */
const MOST_POINTS = 120;

export interface GpuReading {
  readonly percent: number;
  readonly memoryMiB: number;
}

/** One more point. `gpu` of a job that has told of none before counts as none for the time before. */
export function addSample(
  samples: UsageSamples,
  point: { readonly cores: number; readonly memoryMiB: number; readonly gpu?: GpuReading },
): UsageSamples {
  const { cores, memoryMiB, gpu } = point;
  const before = samples.cores.map(() => 0);
  const hasGpu = gpu !== undefined || samples.gpuPercent !== undefined;
  return thinned({
    stepSeconds: samples.stepSeconds,
    cores: [...samples.cores, cores],
    memoryMiB: [...samples.memoryMiB, memoryMiB],
    ...(hasGpu
      ? {
          gpuPercent: [...(samples.gpuPercent ?? before), gpu?.percent ?? 0],
          gpuMemoryMiB: [...(samples.gpuMemoryMiB ?? before), gpu?.memoryMiB ?? 0],
        }
      : {}),
  });
}

function thinned(samples: UsageSamples): UsageSamples {
  if (samples.cores.length < MOST_POINTS) return samples;
  const { stepSeconds, cores, memoryMiB, gpuPercent, gpuMemoryMiB } = samples;
  return {
    stepSeconds: stepSeconds * 2,
    cores: inPairs(cores, mean),
    memoryMiB: inPairs(memoryMiB, Math.max),
    ...(gpuPercent === undefined ? {} : { gpuPercent: inPairs(gpuPercent, mean) }),
    ...(gpuMemoryMiB === undefined ? {} : { gpuMemoryMiB: inPairs(gpuMemoryMiB, Math.max) }),
  };
}

function inPairs(values: readonly number[], join: (a: number, b: number) => number): number[] {
  return values.flatMap((value, index) => (index % 2 === 1 ? [] : [join(value, values[index + 1] ?? value)]));
}

function mean(a: number, b: number): number {
  return Math.round(((a + b) / 2) * 100) / 100;
}
