// The command's own description, for a terminal. Pure.
import { twoColumns } from '../magics/two-columns';
import type { Command, Flag } from './command';
import { EXIT_MEANINGS } from './exit';
import { GLOBAL_FLAGS } from './parse';

type Table = Readonly<Record<string, Command>>;

export const ENVIRONMENT: readonly (readonly [name: string, meaning: string])[] = [
  ['CELLBURST_CONFIG', 'the file that describes clusters, instead of ~/.config/cellburst/config.yaml'],
  ['CELLBURST_STATE_DIR', 'where jobs are kept'],
  ['NO_COLOR', 'no colours; there are none either where standard output is no terminal'],
];

export const ABOUT_IDS = `An ID may be shortened to any beginning or ending that fits one job only.
The result of a job belongs into a notebook: run \`%cluster attach ID\` there.`;

export function overview(commands: Table): string {
  const rows = Object.entries(commands)
    .filter(([, { isHidden }]) => isHidden !== true)
    .map(([name, { usage, about }]): [string, string] => [`  cellburst ${`${name} ${usage}`.trim()}`, about]);
  return [
    'cellburst: TypeScript notebooks and their jobs on clusters, from a terminal',
    '',
    ...twoColumns(rows),
    '',
    ...twoColumns(GLOBAL_FLAGS.map(flagRow)),
    '',
    ABOUT_IDS,
    '',
    'Environment',
    ...twoColumns(ENVIRONMENT.map(([name, meaning]) => [`  ${name}`, meaning])),
    '',
    'Exit codes',
    ...EXIT_MEANINGS.map(([code, meaning]) => `  ${String(code).padEnd(4)}${meaning}`),
    '',
  ].join('\n');
}

export function manual(name: string, { usage, about, more, flags }: Command): string {
  return [
    `cellburst ${`${name} ${usage}`.trim()}`,
    '',
    about,
    ...(more === undefined ? [] : ['', more]),
    '',
    ...flagLines([...flags.filter(({ group }) => group === undefined), ...GLOBAL_FLAGS]),
    ...groupsOf(flags).flatMap(([heading, ofIt]) => ['', heading, ...flagLines(ofIt)]),
    '',
  ].join('\n');
}

/** Flags with a heading of their own. */
export function groupsOf(flags: readonly Flag[]): [heading: string, flags: Flag[]][] {
  const groups = new Map<string, Flag[]>();
  for (const flag of flags)
    if (flag.group !== undefined) groups.set(flag.group, [...(groups.get(flag.group) ?? []), flag]);
  return [...groups];
}

function flagLines(flags: readonly Flag[]): string[] {
  return twoColumns(flags.map(flagRow));
}

/** `--follow, -f`, `--on NAME`. */
export function spellingOf({ name, short, argument }: Flag): string {
  return `--${name}${short === undefined ? '' : `, -${short}`}${argument === undefined ? '' : ` ${argument}`}`;
}

function flagRow(flag: Flag): [string, string] {
  return [`  ${spellingOf(flag)}`, flag.help];
}
