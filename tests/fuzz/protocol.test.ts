// A few of the sequences that `npm run fuzz -- protocol` plays by the thousand; always the same ones.
import { describeSequence, fuzz } from './protocol';
import { makeSequence } from './steps';

test('40 random sequences of messages lose no reply and crash nothing', async () => {
  const failures = await fuzz({ seed: 20_261_120, count: 40 });
  const told = failures.map(({ seed, faults }) => `seed ${seed}:\n${faults.join('\n')}\n${describeSequence(seed)}`);
  expect(told.join('\n\n')).toBe('');
}, 300_000);

test('a seed gives the same sequence again', () => {
  expect(makeSequence(7, { withEnds: true })).toEqual(makeSequence(7, { withEnds: true }));
  expect(makeSequence(7, { withEnds: true })).not.toEqual(makeSequence(8, { withEnds: true }));
});
