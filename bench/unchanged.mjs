// What a capture costs whose namespace has not changed: 400 MB of numbers and a thousand objects, against 5 ms and as long as SHA-256 takes
// for the bytes.
import { join } from 'node:path';
import { load } from '../scripts/load.mjs';
import { processorTime } from './objects.mjs';
import { alternate } from './row.mjs';

const BYTES = 400_000_000;
/** At 1.7 GB/s. */
const ALLOWED_MS = 5 + BYTES / 1.7e6;

/** @type {import('./row.mjs').Row} */
export const unchanged = {
  key: 'unchanged',
  name: 'capture of an unchanged namespace with 400 MB (CPU)',
  unit: 'ms',
  against: '5 ms and the bytes at 1.7 GB/s',
  goal: { atMost: 1 },
  async measure({ directory }) {
    const { openCapture } = await load('tests/capture/capture-alone.ts');
    const capture = await openCapture(
      `const numbers = new Float64Array(${BYTES / 8}).fill(1.5); const objects = Array.from({ length: 1000 }, (_, i) => ({ i, name: 'n' + i }));`,
      'numbers.length + objects.length',
    );
    try {
      const path = join(directory, 'bundle.bin');
      await capture.write(path);
      return await alternate({
        runs: 5,
        ours: () => processorTime(() => capture.write(path)),
        reference: () => Promise.resolve(ALLOWED_MS),
      });
    } finally {
      capture.close();
    }
  },
};
