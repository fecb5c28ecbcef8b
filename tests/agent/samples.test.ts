// What a job uses over its time, as its runner writes it down: how points become few, and what nvidia-smi says.
import { addSample, type UsageSamples } from '../../magics/protocol/samples';
import { readGpus } from '../../magics/runner/gpus';

const EMPTY: UsageSamples = { stepSeconds: 2, cores: [], memoryMiB: [] };

test('a job of any length is drawn whole by at most 120 points: means of cores, peaks of memory', () => {
  let samples = EMPTY;
  for (let point = 0; point < 10_000; point++) samples = addSample(samples, { cores: 1, memoryMiB: point });
  expect(samples.cores.length).toBeLessThan(120);
  expect(samples.memoryMiB).toHaveLength(samples.cores.length);
  expect(samples.stepSeconds).toBeGreaterThan(2);
  expect(samples.memoryMiB.at(-1)).toBe(9999);
  expect(new Set(samples.cores)).toEqual(new Set([1]));
});

test('of two points that become one, a peak of memory stays', () => {
  let samples = EMPTY;
  for (let point = 0; point < 120; point++)
    samples = addSample(samples, { cores: point % 2, memoryMiB: point === 10 ? 500 : 1 });
  expect(samples).toMatchObject({ stepSeconds: 4 });
  expect(samples.cores[5]).toBe(0.5);
  expect(samples.memoryMiB[5]).toBe(500);
});

test('GPUs that tell later count as none before', () => {
  const before = addSample(EMPTY, { cores: 1, memoryMiB: 1 });
  const samples = addSample(before, { cores: 1, memoryMiB: 1, gpu: { percent: 50, memoryMiB: 100 } });
  expect(samples).toMatchObject({ gpuPercent: [0, 50], gpuMemoryMiB: [0, 100] });
});

const TWO = '0, GPU-5e3f, 80, 1000\n1, GPU-77aa, 20, 500\n';
test.each([
  ['all of them, where nothing says which are the job’s', TWO, undefined, { percent: 50, memoryMiB: 1500 }],
  ['those that CUDA_VISIBLE_DEVICES names by index', TWO, '1', { percent: 20, memoryMiB: 500 }],
  ['or by the beginning of a UUID', TWO, 'GPU-5e', { percent: 80, memoryMiB: 1000 }],
  ['none, where the job may use none', TWO, '', undefined],
  ['none that does not tell', '0, GPU-5e3f, [N/A], 1000\n', undefined, undefined],
  ['none of what is no answer', 'Failed to initialize NVML\n', undefined, undefined],
])('nvidia-smi: %s', (_what, answer, visible, reading) => {
  expect(readGpus(answer, visible)).toEqual(reading);
});
