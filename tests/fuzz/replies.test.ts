// A few of the replies that `npm run fuzz -- replies` plays by the million; always the same ones.
import { describeSequence, fuzz } from './replies';

test('1,500 damaged and hostile replies run no code, and are settled or refused with a sentence', async () => {
  const faults: string[] = [];
  await fuzz({
    seed: 20_261_120,
    count: 1500,
    onPlayed: (_, failure) => {
      if (failure !== undefined)
        faults.push(`seed ${failure.seed}: ${failure.faults.join('\n')}\n${describeSequence(failure.seed)}`);
    },
  });
  expect(faults.join('\n\n')).toBe('');
}, 300_000);
