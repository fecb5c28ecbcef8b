// The word a person probably meant.
import { distance } from 'fastest-levenshtein';

/** The candidate closest to `word`, if it is close enough to be meant: at most a third of its letters differ, or the same letters, or it begins alike. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: distance(word, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  if (best && best.distance <= Math.max(1, Math.ceil(best.candidate.length / 3))) return best.candidate;
  const swapped = candidates.find((candidate) => letters(candidate) === letters(word));
  if (swapped !== undefined) return swapped;
  return word.length > 1 ? candidates.find((candidate) => candidate.startsWith(word)) : undefined;
}

function letters(word: string): string {
  return [...word].sort().join('');
}

/** ` Did you mean X?`, or nothing. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const best = nearest(word, candidates);
  return best === undefined ? '' : ` Did you mean ${best}?`;
}
