// A `%%cluster` line, read by the table of options. Pure: text in, what is asked for out, or an error with a caret.
import { didYouMean } from './config/nearest';
import { pointAt, type MagicLine, type Word } from './line';
import { nameOf, OPTIONS, spellings, type ClusterOptions, type Option, type OptionName } from './options';

/** Reads `[cluster] --cores 8 …`. The first mistake is shown with a caret and the nearest word; nothing is sent then. */
export function parseOptions(line: MagicLine, clusters: readonly string[]): ClusterOptions {
  const values: Record<string, unknown> = {};
  const env: Record<string, string> = {};
  const files: Record<'in' | 'out', string[]> = { in: [], out: [] };
  let cluster: string | undefined;
  for (const given of pairUp(line)) {
    if (given.kind === 'word') {
      if (cluster !== undefined)
        throw pointAt(
          line.text,
          given.word,
          `%%cluster takes one cluster; ${cluster} is named already.${asOption(given.word.text)}`,
        );
      if (!clusters.includes(given.word.text)) throw unknownCluster(line, given.word, clusters);
      cluster = given.word.text;
      continue;
    }
    const declared: Option<unknown> = OPTIONS[given.name];
    const parsed = declared.value.safeParse(given.value.text);
    if (!parsed.success) {
      const expected = parsed.error.issues[0]?.message ?? 'expected another value';
      throw pointAt(line.text, given.value, `${declared.flag}: ${expected}, not ${JSON.stringify(given.value.text)}.`);
    }
    if (given.name === 'env') {
      const [name, value] = parsed.data as readonly [string, string];
      env[name] = value;
    } else if (given.name === 'in' || given.name === 'out') files[given.name].push(String(parsed.data));
    else if (given.name in values) throw pointAt(line.text, given.flag, `${declared.flag} is given twice.`);
    else values[given.name] = parsed.data;
  }
  return { ...values, ...(cluster === undefined ? {} : { cluster }), env, ...files };
}

type Given =
  | { readonly kind: 'word'; readonly word: Word }
  | { readonly kind: 'option'; readonly name: OptionName; readonly flag: Word; readonly value: Word };

/** Puts options and their arguments together: `--cores 8`, `--cores=8`. */
function* pairUp(line: MagicLine): Generator<Given> {
  const words = [...line.words];
  for (let word = words.shift(); word; word = words.shift()) {
    if (!word.text.startsWith('-')) {
      yield { kind: 'word', word };
      continue;
    }
    const equals = word.text.indexOf('=');
    const spelling = equals < 0 ? word.text : word.text.slice(0, equals);
    const flag = { text: spelling, start: word.start, end: word.start + spelling.length };
    const name = nameOf(spelling);
    if (name === undefined) throw unknownOption(line, flag);
    const declared: Option<unknown> = OPTIONS[name];
    if (declared.argument === undefined) {
      if (equals >= 0) throw pointAt(line.text, word, `${declared.flag} takes no value.`);
      yield { kind: 'option', name, flag, value: flag };
    } else if (equals >= 0)
      yield {
        kind: 'option',
        name,
        flag,
        value: { text: word.text.slice(equals + 1), start: flag.end + 1, end: word.end },
      };
    else {
      const value = words.shift();
      // In quotes it is meant: --native '-h'.
      if (value === undefined || (nameOf(value.text) !== undefined && !/['"]/.test(line.text[value.start] ?? '')))
        throw pointAt(line.text, flag, `${declared.flag} needs a value: ${declared.flag} ${declared.argument}.`);
      yield { kind: 'option', name, flag, value };
    }
  }
}

function unknownOption(line: MagicLine, flag: Word): Error {
  const flags = [...spellings()].filter((spelling) => spelling.startsWith('--'));
  return pointAt(
    line.text,
    flag,
    `%%cluster has no option ${flag.text}.${didYouMean(flag.text, flags)} %%cluster --help lists them all.`,
  );
}

function unknownCluster(line: MagicLine, word: Word, clusters: readonly string[]): Error {
  const hint = didYouMean(word.text, clusters) || asOption(word.text);
  return pointAt(
    line.text,
    word,
    `There is no cluster ${JSON.stringify(word.text)}.${hint} Known: ${clusters.join(', ')}.`,
  );
}

/** A word that is an option without its dashes. */
function asOption(word: string): string {
  return nameOf(`--${word.split('=')[0] ?? ''}`) !== undefined ? ` Did you mean --${word}?` : '';
}
