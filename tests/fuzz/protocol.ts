// `npm run fuzz -- protocol`: random sequences of messages against the real kernel. No crash, no lost reply, every `busy` has its `idle`.
import { Player } from './play';
import { makeSequence } from './steps';

export interface FuzzOptions {
  readonly seed: number;
  readonly count: number;
  /** Of a sequence that has been played: how many were, and what was wrong. */
  readonly onPlayed?: (played: number, failure: Failure | undefined) => void;
}

export interface Failure {
  /** `--seed SEED --count 1` plays it again, alone. */
  readonly seed: number;
  readonly faults: readonly string[];
}

/** A kernel that has served so many is replaced by a fresh one. */
const SEQUENCES_PER_KERNEL = 250;
const MAX_FAILURES = 10;

export async function fuzz({ seed, count, onPlayed }: FuzzOptions): Promise<readonly Failure[]> {
  const failures: Failure[] = [];
  let player: Player | undefined;
  let served = 0;
  try {
    for (let at = 0; at < count && failures.length < MAX_FAILURES; at++) {
      player ??= await Player.start();
      const own = seed + at;
      const faults = await player.play(makeSequence(own, { withEnds: true }), own);
      served++;
      const isOver = !player.isAlive || served === SEQUENCES_PER_KERNEL || faults.length > 0;
      // The log is written beside the kernel's work: what it tells may be of the sequence before.
      const mistakes = player.newMistakes();
      const failure = faults.length + mistakes.length > 0 ? { seed: own, faults: [...faults, ...mistakes] } : undefined;
      if (failure) failures.push(failure);
      onPlayed?.(at + 1, failure);
      if (!isOver) continue;
      await player.stop();
      player = undefined;
      served = 0;
    }
  } finally {
    await player?.stop();
  }
  return failures;
}

/** One seed's steps, for people. */
export function describeSequence(seed: number): string {
  return makeSequence(seed, { withEnds: true })
    .map((step) => JSON.stringify(step).slice(0, 400))
    .join('\n');
}
