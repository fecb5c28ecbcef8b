// `npm run fuzz -- TARGET [--count N] [--seed S]`: random input against one part, by the thousand. A failure names the seed that repeats it.
import { parseArgs } from 'node:util';
import { load } from './load.mjs';
import { runScript, setUp } from './setup.mjs';
import { SetupError } from './setup/progress.mjs';

/**
 * Each target is a file that exports `fuzz({ seed, count, onPlayed })`, which resolves with its failures (`{ seed, faults }`), and
 * `describeSequence(seed)`: what was played, for people.
 */
const TARGETS = {
  capture: { entry: 'tests/fuzz/capture/main.ts', count: 10_000 },
  protocol: { entry: 'tests/fuzz/protocol.ts', count: 10_000 },
  replies: { entry: 'tests/fuzz/replies.ts', count: 1_000_000 },
};

await runScript(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { count: { type: 'string' }, seed: { type: 'string' } },
  });
  const [name = ''] = positionals;
  const target = Object.hasOwn(TARGETS, name) ? TARGETS[name] : undefined;
  if (target === undefined || positionals.length > 1)
    throw new SetupError(
      `npm run fuzz -- TARGET [--count N] [--seed S]. The targets are ${Object.keys(TARGETS).join(', ')}.`,
    );
  await setUp({ jupyter: false });
  const seed = numberOf('seed', values.seed) ?? Math.floor(Math.random() * 2 ** 31);
  const count = numberOf('count', values.count) ?? target.count;
  console.log(`${name}: ${count} sequences from seed ${seed}`);
  const { fuzz, describeSequence } = await load(target.entry);
  const started = Date.now();
  const failures = await fuzz({ seed, count, onPlayed: tellProgress(started, count, describeSequence) });
  const seconds = Math.round((Date.now() - started) / 1000);
  console.log(`${failures.length === 0 ? 'no failures' : `${failures.length} failures`}, ${seconds} s`);
  return failures.length === 0 ? 0 : 1;
});

function tellProgress(started, count, describeSequence) {
  return (played, failure) => {
    if (failure) {
      console.log(`\nseed ${failure.seed}:\n  ${failure.faults.join('\n  ')}\n${describeSequence(failure.seed)}\n`);
    }
    if (played % Math.max(100, count / 100) === 0)
      console.log(`${played} of ${count}, ${Math.round((Date.now() - started) / 1000)} s`);
  };
}

function numberOf(option, text) {
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) throw new SetupError(`--${option} takes a whole number, not ${JSON.stringify(text)}.`);
  return Number(text);
}
