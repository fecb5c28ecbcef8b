// Completion and inspection on magic lines, from the same table that runs them.
import type { ClusterSession } from './cluster';
import { splitWords, type MagicLine } from './line';
import { manualOf } from './magic';
import { magicOf, MAGICS, spellingOf } from './table';

export interface MagicCompletion {
  /** UTF-16 offsets in the cell. */
  readonly start: number;
  readonly end: number;
  readonly matches: readonly { readonly text: string; readonly type: string }[];
}

/** `jobs`: ids for `%cluster attach …`, asked only when needed. */
export async function completeMagic(
  line: MagicLine,
  offset: number,
  session: ClusterSession,
  jobs: () => Promise<readonly string[]>,
): Promise<MagicCompletion> {
  const at = offset - line.offset;
  const before = line.text.slice(0, at);
  const partial = /\S*$/.exec(before)?.[0] ?? '';
  const start = at - partial.length;
  if (start < line.name.end && line.kind !== 'shell') {
    const words = Object.keys(MAGICS).map((text) => ({ text, type: 'magic' }));
    return matching(line, 0, at, words, before);
  }
  const earlier = splitWords(before.slice(0, start), Math.min(line.name.end, at)).map(({ text }) => text);
  const offers = await magicOf(line)?.offers?.({ line, partial, earlier, session, jobs });
  const kept = offers?.kept ?? 0;
  return matching(line, start + kept, at, offers?.words ?? [], partial.slice(kept));
}

function matching(
  line: MagicLine,
  start: number,
  end: number,
  words: MagicCompletion['matches'],
  typed: string,
): MagicCompletion {
  const matches = words.filter(({ text }) => text.startsWith(typed));
  return { start: line.offset + start, end: line.offset + end, matches };
}

/** Help for what stands at `offset`: an option, a command, else the whole magic. */
export function inspectMagic(line: MagicLine, offset: number, session: ClusterSession): string {
  const magic = magicOf(line);
  if (!magic) return `There is no magic ${spellingOf(line)}. %lsmagic lists them all.`;
  return magic.explain?.(line, offset - line.offset, session) ?? manualOf(magic, session);
}
