// Completion and inspection on magic lines, from the same tables that parse them.
import { COMMANDS } from './commands';
import type { ClusterSession } from './cluster';
import { splitWords, type MagicLine } from './line';
import { findOption, optionNames, OPTIONS, optionsHelp } from './options';

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
  const earlier = splitWords(before.slice(0, before.length - partial.length), Math.min(line.name.end, at)).map(
    ({ text }) => text,
  );
  const start = at - partial.length;
  if (start < line.name.end)
    return offer(line, 0, at, before, [
      { text: '%%cluster', type: 'magic' },
      { text: '%cluster', type: 'magic' },
    ]);
  if (line.kind === 'line') return offer(line, start, at, partial, await commandWords(earlier, session, jobs));
  const equals = partial.indexOf('=');
  const flag = equals > 0 ? findOption(partial.slice(0, equals)) : findOption(earlier.at(-1) ?? '');
  if (flag?.argument !== undefined) {
    const from = equals > 0 ? start + equals + 1 : start;
    return offer(
      line,
      from,
      at,
      line.text.slice(from, at),
      (flag.examples ?? []).map((text) => ({ text, type: 'value' })),
    );
  }
  const flags = optionNames().map((name) => ({ text: OPTIONS[name].flag, type: 'option' }));
  const named = earlier.some((word) => session.clusters.includes(word));
  return offer(line, start, at, partial, [
    ...(named ? [] : session.clusters.map((text) => ({ text, type: 'cluster' }))),
    ...flags,
  ]);
}

async function commandWords(
  earlier: readonly string[],
  session: ClusterSession,
  jobs: () => Promise<readonly string[]>,
) {
  const [verb] = earlier;
  if (verb === undefined) return Object.keys(COMMANDS).map((text) => ({ text, type: 'command' }));
  if (earlier.length > 1) return [];
  const argument = COMMANDS[verb]?.argument;
  if (argument === 'cluster') return session.clusters.map((text) => ({ text, type: 'cluster' }));
  return argument === 'job' ? (await jobs()).map((text) => ({ text, type: 'job' })) : [];
}

function offer(
  line: MagicLine,
  start: number,
  end: number,
  partial: string,
  words: readonly { readonly text: string; readonly type: string }[],
): MagicCompletion {
  return {
    start: line.offset + start,
    end: line.offset + end,
    matches: words.filter(({ text }) => text.startsWith(partial)),
  };
}

/** Help for what stands at `offset`: an option, a command, else the whole magic. */
export function inspectMagic(line: MagicLine, offset: number, session: ClusterSession): string {
  const at = offset - line.offset;
  const word = line.words.find(({ start, end }) => at >= start && at <= end);
  if (line.kind === 'line') {
    const command = COMMANDS[word?.text ?? line.words[0]?.text ?? ''];
    return command
      ? `%cluster ${command.usage}\n\n${command.help}`
      : Object.values(COMMANDS)
          .map(({ usage, help }) => `%cluster ${usage}: ${help}`)
          .join('\n');
  }
  const index = word ? line.words.indexOf(word) : -1;
  const declared = findOption(word?.text.split('=')[0] ?? '') ?? findOption(line.words[index - 1]?.text ?? '');
  if (!declared) return optionsHelp(session.clusters);
  return `${[declared.flag, declared.argument].filter(Boolean).join(' ')}\n\n${declared.help}`;
}
