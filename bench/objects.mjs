// A million small objects through our codec and back, against V8's own: which keeps no identity of classes, no accessors, no refusals by path.
import { deserialize, serialize } from 'node:v8';
import { load } from '../scripts/load.mjs';
import { alternate } from './row.mjs';

const COUNT = 1_000_000;

/** @type {import('./row.mjs').Row} */
export const objects = {
  key: 'objects',
  name: '1e6 small objects encoded and decoded (CPU)',
  unit: 'ms',
  against: 'v8.serialize and deserialize',
  goal: { atMost: 1.2 },
  async measure() {
    const { CROWDS, decode, encode } = await load('tests/realm/round-trip.ts');
    const value = CROWDS['small objects'](COUNT);
    const back = decode(encode(value));
    if (back.length !== COUNT || back[777].name !== value[777].name) throw new Error('The objects did not come back.');
    return alternate({
      runs: 5,
      ours: () => processorTime(() => decode(encode(value))),
      reference: () => processorTime(() => deserialize(serialize(value))),
    });
  },
};

/** Milliseconds of processor time, the engine's own threads with it: other work on the machine counts for nothing. */
export async function processorTime(action) {
  const before = process.cpuUsage();
  await action();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
