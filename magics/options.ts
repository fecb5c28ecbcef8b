// The options of `%%cluster`, declared once: parsing, --help, completion and inspection all read this table.
import * as z from 'zod';
import { splitWords } from './line';
import { PACKAGE_MODES } from './protocol/environment';
import { parseDuration, parseMemory, quantity } from './config/quantities';
import { twoColumns } from './two-columns';

export interface Option<Value> {
  readonly flag: `--${string}`;
  readonly short?: `-${string}`;
  /** Other schedulers' words for the same thing. */
  readonly aliases?: readonly `--${string}`[];
  /** The placeholder of its argument; without one it is a switch. */
  readonly argument?: string;
  readonly repeatable?: boolean;
  readonly help: string;
  /** Values offered by completion. */
  readonly examples?: readonly string[];
  /** From the texts given (one, unless repeatable). */
  readonly value: z.ZodType<Value, string>;
}

function option<Value>(declared: Option<Value>): Option<Value> {
  return declared;
}

const count = (what: string, least: number) =>
  z
    .string()
    .regex(/^\d+$/, `expected a whole number of ${what}`)
    .transform(Number)
    .refine((n) => n >= least && n <= 1_000_000, `expected ${least} or more ${what}`);

const assignment = z
  .string()
  .regex(/^[A-Za-z_]\w*=/, 'expected NAME=VALUE')
  .transform((text): readonly [string, string] => [
    text.slice(0, text.indexOf('=')),
    text.slice(text.indexOf('=') + 1),
  ]);

const text = (what: string) => z.string().min(1, `expected ${what}`);

const switched = z.string().transform(() => true);

export const OPTIONS = {
  cores: option({
    flag: '--cores',
    short: '-c',
    aliases: ['--cpus', '--ncpus', '--cpus-per-task'],
    argument: 'N',
    help: 'CPU cores of the job. `pmap` uses them all. Default 1.',
    examples: ['1', '2', '4', '8', '16'],
    value: count('cores', 1),
  }),
  memory: option({
    flag: '--memory',
    short: '-m',
    aliases: ['--mem'],
    argument: 'SIZE',
    help: 'Memory of the job in all, as 4GB or 500MB. A job that uses more is ended as out of memory.',
    examples: ['1GB', '4GB', '16GB', '64GB'],
    value: quantity(parseMemory, 'a size of memory such as 4GB or 500MB'),
  }),
  time: option({
    flag: '--time',
    short: '-t',
    aliases: ['--walltime', '--wall-time'],
    argument: 'TIME',
    help: 'Wall time, as 30m, 1h30m, 2d or 1:30:00 (a bare number is minutes). A job that takes longer is ended.',
    examples: ['10m', '30m', '1h', '4h', '1d'],
    value: quantity(parseDuration, 'a time such as 30m, 1h30m or 1:30:00'),
  }),
  gpus: option({
    flag: '--gpus',
    short: '-g',
    argument: 'N',
    help: 'GPUs of the job.',
    examples: ['1', '2'],
    value: count('GPUs', 0),
  }),
  nodes: option({
    flag: '--nodes',
    short: '-N',
    argument: 'N',
    help: 'Nodes of the job. The cell runs once, on the first; `process.env.CELLBURST_NODES` names them all, for what it starts there. Memory and GPUs are counted per node. Slurm, PBS.',
    examples: ['1', '2', '4'],
    value: count('nodes', 1),
  }),
  tasks: option({
    flag: '--tasks',
    aliases: ['--ntasks'],
    argument: 'N',
    help: 'Tasks of the job, for an MPI program that the cell starts; `--cores` is per task. The cell itself still runs once.',
    examples: ['1', '2', '4', '8'],
    value: count('tasks', 1),
  }),
  queue: option({
    flag: '--queue',
    short: '-q',
    aliases: ['--partition'],
    argument: 'NAME',
    help: 'Partition or queue of the cluster.',
    value: text('a name'),
  }),
  account: option({
    flag: '--account',
    short: '-A',
    aliases: ['--project'],
    argument: 'NAME',
    help: 'Account or project that is charged.',
    value: text('a name'),
  }),
  qos: option({ flag: '--qos', argument: 'NAME', help: 'Quality of service.', value: text('a name') }),
  constraint: option({
    flag: '--constraint',
    short: '-C',
    argument: 'FEATURES',
    help: 'Features that the nodes have to have.',
    value: text('features'),
  }),
  reservation: option({
    flag: '--reservation',
    argument: 'NAME',
    help: 'A reservation that the job runs in.',
    value: text('a name'),
  }),
  exclusive: option({ flag: '--exclusive', help: 'No other job on its node.', value: switched }),
  native: option({
    flag: '--native',
    argument: "'ARGS'",
    help: "More arguments for the cluster's own submit command, as they are.",
    value: z.string().transform((given) => splitWords(given).map((word) => word.text)),
  }),
  name: option({
    flag: '--name',
    short: '-n',
    aliases: ['--job-name'],
    argument: 'NAME',
    help: 'A name for lists of jobs. Default: the first line of the cell.',
    value: z.string().min(1, 'expected a name').max(100, 'expected a name of at most 100 characters'),
  }),
  env: option({
    flag: '--env',
    short: '-e',
    argument: 'NAME=VALUE',
    repeatable: true,
    help: 'Sets an environment variable for the cell. May be given several times.',
    value: assignment,
  }),
  seed: option({
    flag: '--seed',
    argument: 'N',
    help: 'Math.random gives the same numbers each time, in the cell and for each item of a pmap.',
    value: z
      .string()
      .regex(/^\d+$/, 'expected a whole number')
      .transform(Number)
      .refine(Number.isSafeInteger, 'expected a number below 2^53'),
  }),
  envMode: option({
    flag: '--env-mode',
    argument: 'MODE',
    help: 'How packages come to the cluster: bundle (what the cell reaches travels along), npm (installed there, for packages with binaries) or none (they are there). Default: what fits.',
    examples: PACKAGE_MODES,
    value: z.enum(PACKAGE_MODES, { error: `expected one of ${PACKAGE_MODES.join(', ')}` }),
  }),
  container: option({
    flag: '--container',
    argument: 'IMAGE',
    help: 'Runs the cell in this image: a name for podman, a .sif file or an address for Apptainer; none does without the one of the config.',
    examples: ['none'],
    value: text('an image'),
  }),
  in: option({
    flag: '--in',
    argument: 'FILES',
    repeatable: true,
    help: 'Files that go along: a file, a folder with all in it, or a pattern as data/*.csv (** goes into folders). They are there under the same relative path. May be given several times.',
    value: text('a file, a folder or a pattern'),
  }),
  out: option({
    flag: '--out',
    argument: 'FILES',
    repeatable: true,
    help: 'Files that the cell writes and that come home, named as for --in. Each lands whole; what was changed here meanwhile is not overwritten. May be given several times.',
    value: text('a file, a folder or a pattern'),
  }),
  detach: option({
    flag: '--detach',
    short: '-d',
    help: 'Submits and returns at once; `%cluster attach ID` brings the result home, from any kernel.',
    value: switched,
  }),
  keep: option({
    flag: '--keep',
    argument: 'TIME',
    help: 'Keeps the nodes for cells to come (they start at once), until none has run there for so long. Needs --time.',
    examples: ['10m', '30m', '1h'],
    value: quantity(parseDuration, 'a time such as 10m or 1h'),
  }),
  atomic: option({
    flag: '--atomic',
    help: 'If the cell throws, discards what it had changed up to the throw.',
    value: switched,
  }),
  dryRun: option({
    flag: '--dry-run',
    help: 'Sends nothing; shows what would be sent: names, kinds, sizes, where they come from, whether the cluster has them already, packages, files, and all that cannot travel.',
    value: switched,
  }),
  help: option({ flag: '--help', short: '-h', help: 'Shows this text.', value: switched }),
} as const;

export type OptionName = keyof typeof OPTIONS;
type Values = { [Name in OptionName]?: z.output<(typeof OPTIONS)[Name]['value']> };

/** What a `%%cluster` line asks for. */
export interface ClusterOptions extends Omit<Values, 'env' | 'in' | 'out'> {
  /** The cluster named on the line, if any. */
  readonly cluster?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly in: readonly string[];
  readonly out: readonly string[];
}

/** Every spelling of an option → its name. */
const SPELLINGS: ReadonlyMap<string, OptionName> = new Map(
  optionNames().flatMap((name) => {
    const { flag, short, aliases = [] }: Option<unknown> = OPTIONS[name];
    return [flag, ...(short ? [short] : []), ...aliases].map((spelling): [string, OptionName] => [spelling, name]);
  }),
);

export function optionNames(): OptionName[] {
  return Object.keys(OPTIONS) as OptionName[];
}

export function findOption(spelling: string): Option<unknown> | undefined {
  const name = SPELLINGS.get(spelling);
  return name && OPTIONS[name];
}

/** The name of an option, by any of its spellings. */
export function nameOf(spelling: string): OptionName | undefined {
  return SPELLINGS.get(spelling);
}

/** Every spelling there is. */
export function spellings(): Iterable<string> {
  return SPELLINGS.keys();
}

/** The text of `%%cluster --help`. */
export function optionsHelp(clusters: readonly string[]): string {
  const rows = optionNames().map((name): [string, string] => {
    const { flag, short, argument, help }: Option<unknown> = OPTIONS[name];
    return [`  ${short ? `${short}, ` : '    '}${flag}${argument ? ` ${argument}` : ''}`, help];
  });
  return [
    'Runs the cell on a cluster; its variables travel there, and what it declares, changes, returns or throws comes back.',
    '',
    '  %%cluster [NAME] [OPTIONS]',
    '',
    `  NAME is a configured cluster (${clusters.join(', ')}); without one, the cluster of \`%cluster use\`, else local.`,
    '',
    ...twoColumns(rows),
    '',
    'Line magics: `%cluster help`.',
  ].join('\n');
}
