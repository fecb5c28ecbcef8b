// The options of `cellburst run`: its own, and those of the `%%cluster` line for programs. Apart from what runs, which loads a kernel's sockets.
import { OPTIONS, optionNames, type OptionName } from '../magics/options';
import type { Flag } from './command';

export const PROGRAMS: ReadonlySet<string> = new Set(['.ts', '.mts', '.cts', '.tsx', '.js', '.mjs', '.cjs']);

/** Of the `%%cluster` line; help is our own. */
export const LINE_OPTIONS: readonly OptionName[] = optionNames().filter((name) => name !== 'help');

export const RUN_FLAGS: readonly Flag[] = [
  {
    name: 'on',
    argument: 'NAME',
    values: 'cluster',
    help: 'A program: run it as a job of this cluster. A notebook: the cluster of its %%cluster cells that name none.',
  },
  { name: 'write', short: 'w', help: 'A notebook: write its outputs back into it, after each cell.' },
  {
    name: 'output',
    short: 'o',
    argument: 'FILE',
    values: 'file',
    help: 'A notebook: write it with its outputs to FILE.',
  },
  {
    name: 'keep-going',
    short: 'k',
    help: 'A notebook: go on after a cell that fails. It fails all the same in the end.',
  },
  ...LINE_OPTIONS.map(toFlag),
];

interface LineOption {
  readonly flag: string;
  readonly short?: string;
  readonly aliases?: readonly string[];
  readonly argument?: string;
  readonly help: string;
  readonly repeatable?: boolean;
  readonly examples?: readonly string[];
}

function toFlag(name: OptionName): Flag {
  const { flag, short, aliases = [], argument, help, repeatable = false, examples }: LineOption = OPTIONS[name];
  return {
    name: flag.slice(2),
    ...(short === undefined ? {} : { short: short.slice(1) }),
    aliases: aliases.map((alias) => alias.slice(2)),
    ...(argument === undefined ? {} : { argument }),
    ...(examples === undefined ? {} : { values: examples }),
    isRepeatable: repeatable,
    help,
    group: 'The job of a program (with --on NAME), as on a %%cluster line:',
  };
}
