// A command line, read by the table. Pure: mistakes are UsageErrors that say what to type.
import { parseArgs } from 'node:util';
import { didYouMean } from '../magics/config/nearest';
import { UsageError } from '../magics/protocol/errors';
import { Given, type Command, type Flag } from './command';

/** Of every command. */
export const GLOBAL_FLAGS: readonly Flag[] = [
  { name: 'json', help: 'For programs: one JSON value on standard output; what else is said goes to standard error.' },
  { name: 'help', short: 'h', help: 'Shows this text.' },
];

export interface Parsed {
  readonly words: readonly string[];
  readonly flags: Given;
}

export function parseCall(name: string, command: Command, typed: readonly string[]): Parsed {
  if (command.isRaw === true) {
    // Only what no command reads otherwise is taken out.
    const words = typed.filter((word) => word !== '--json');
    return { words, flags: new Given(words.length < typed.length ? { json: [] } : {}) };
  }
  const flags = [...command.flags, ...GLOBAL_FLAGS];
  const { tokens } = parseArgs({
    args: [...typed],
    options: Object.fromEntries(flags.flatMap(toOptions)),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const values: Record<string, string[]> = {};
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    const flag = flags.find(({ name: own, aliases = [] }) => own === token.name || aliases.includes(token.name));
    if (flag === undefined) throw unknownFlag(name, token.rawName, flags);
    if (flag.argument === undefined && token.value !== undefined)
      throw new UsageError(`${token.rawName} takes no value. ${lookAt(name)}`);
    if (
      flag.argument !== undefined &&
      (token.value === undefined || (!token.inlineValue && isFlag(token.value, flags)))
    )
      throw new UsageError(`${token.rawName} needs a value: --${flag.name} ${flag.argument}. ${lookAt(name)}`);
    if (Object.hasOwn(values, flag.name) && flag.argument !== undefined && flag.isRepeatable !== true)
      throw new UsageError(`${token.rawName} is given twice. ${lookAt(name)}`);
    (values[flag.name] ??= []).push(...(token.value === undefined ? [] : [token.value]));
  }
  const given = new Given(values);
  if (!given.has('help')) checkWords(name, command, words);
  return { words, flags: given };
}

/** An argument may begin with a dash (`--native '--licenses=x'`), but a flag is none. */
function isFlag(word: string, flags: readonly Flag[]): boolean {
  return flags.some(({ name, short }) => word === `--${name}` || (short !== undefined && word === `-${short}`));
}

function toOptions({
  name,
  aliases = [],
  argument,
  short,
}: Flag): [string, { type: 'string' | 'boolean'; short?: string }][] {
  const type = argument === undefined ? 'boolean' : 'string';
  return [
    [name, { type, ...(short === undefined ? {} : { short }) }],
    ...aliases.map((alias): [string, { type: 'string' | 'boolean' }] => [alias, { type }]),
  ];
}

function checkWords(name: string, { args, usage }: Command, words: readonly string[]): void {
  const extra = words[args.length];
  if (extra !== undefined)
    throw new UsageError(`Cannot read ${JSON.stringify(extra)}: there is one word too many. ${lookAt(name)}`);
  const missing = args.find((argument, place) => argument.isOptional !== true && words[place] === undefined);
  if (missing?.values === 'job')
    throw new UsageError(`Which job? Say \`cellburst ${name} ID\`; \`cellburst jobs\` lists all jobs.`);
  if (missing !== undefined) throw new UsageError(`${missing.name} is missing: \`cellburst ${name} ${usage}\`.`);
  for (const [place, { values, name: what }] of args.entries()) {
    const word = words[place];
    if (word === undefined || typeof values === 'string' || values.includes(word)) continue;
    throw new UsageError(
      `${JSON.stringify(word)} is none of ${values.join(', ')} (${what}).${didYouMean(word, values)} ${lookAt(name)}`,
    );
  }
}

function unknownFlag(name: string, typed: string, flags: readonly Flag[]): UsageError {
  const known = flags.map((flag) => `--${flag.name}`);
  return new UsageError(`cellburst ${name} has no option ${typed}.${didYouMean(typed, known)} ${lookAt(name)}`);
}

function lookAt(name: string): string {
  return `\`cellburst ${name} --help\` tells how.`;
}
