// How far long work has come, as one line of text: `[######··········] 38 % 12 MB of 32 MB`. Pure.

const WIDTH = 24;

/** `share` from 0 to 1; without one there is nothing to measure by, and the words stand alone. */
export function progressLine(words: string, share?: number): string {
  if (share === undefined) return words;
  const bounded = Math.min(1, Math.max(0, share));
  const done = Math.floor(bounded * WIDTH);
  return `[${'#'.repeat(done)}${'·'.repeat(WIDTH - done)}] ${String(Math.floor(bounded * 100)).padStart(3)} % ${words}`;
}
