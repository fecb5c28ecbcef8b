// All commands. Parsing, help, completion and docs/reference/command-line.md read this one table. What is heavy is loaded when its command is called.
import { UsageError } from '../magics/protocol/errors';
import { optionNames, OPTIONS } from '../magics/options';
import { agentCommand } from './agent';
import type { Argument, Call, Command } from './command';
import { complete, completionScript, SHELLS } from './completion';
import { config } from './config';
import { env } from './env';
import { EXIT } from './exit';
import { fsCommand } from './fs';
import { manual, overview } from './help';
import { install, PLACE_FLAGS, uninstall } from './install';
import {
  attach,
  cancel,
  change,
  forget,
  FORGET_FLAGS,
  LIST_FLAGS,
  listJobs,
  printLog,
  retry,
  RETRY_FLAGS,
} from './jobs';
import { RUN_FLAGS } from './run-flags';

const JOB: Argument = { name: 'ID', values: 'job' };
const PLACE_USAGE = '[--user | --sys-prefix | --prefix DIR]';

export const COMMANDS: Readonly<Record<string, Command>> = {
  run: {
    usage: 'FILE [--on NAME] [OPTIONS]',
    about: 'Runs a notebook cell by cell, or a TypeScript program, here or as a job of a cluster.',
    more: `FILE.ipynb runs in the folder it lies in, as in Jupyter: its %%cluster cells become jobs. What cells show is printed; with --write or -o it goes into
the notebook, after each cell. It stops at the first cell that fails, unless the cell is tagged raises-exception.

FILE.ts (or .js, .mjs, …) is one cell: checked first, with top-level await and imports relative to its folder, where it runs. With --on NAME all of it
is a job of that cluster, and the options of the %%cluster line (${optionNames()
      .slice(0, 3)
      .map((name) => OPTIONS[name].flag)
      .join(', ')} …) may follow. The value of its last line is printed.

Ctrl-C interrupts as the stop button does: a job that is waited for goes on without; twice within three seconds, and it is cancelled.`,
    args: [{ name: 'FILE', values: 'file' }],
    flags: RUN_FLAGS,
    run: async (call) => (await import('./run.js')).run(call),
  },
  jobs: {
    usage: '[--state STATE] [--on NAME] [--last N] [ID]',
    about:
      'Lists all jobs that are kept, of all notebooks; with an id, tells all that is known of one, and what differs where it ran.',
    args: [{ ...JOB, isOptional: true }],
    flags: LIST_FLAGS,
    run: listJobs,
  },
  logs: {
    usage: '[-f] ID',
    about: 'Prints what a job has printed; -f goes on until it ends.',
    more: 'With --json each piece of output is a line of JSON of its own.',
    args: [JOB],
    flags: [{ name: 'follow', short: 'f', help: 'Go on until the job ends.' }],
    run: printLog,
  },
  attach: {
    usage: 'ID',
    about: "Prints a job's output until it ends, and how it ended.",
    args: [JOB],
    flags: [],
    run: attach,
  },
  cancel: { usage: 'ID', about: 'Ends a job. There is no undo.', args: [JOB], flags: [], run: cancel },
  retry: {
    usage: '[--cores N] [--memory SIZE] [--time TIME] ID',
    about: 'Runs a job again with the values it was sent with, with more memory or time where that is said.',
    args: [JOB],
    flags: RETRY_FLAGS,
    run: retry,
  },
  hold: {
    usage: 'ID',
    about: 'Keeps a job that waits from starting.',
    args: [JOB],
    flags: [],
    run: (call) => change('hold', call),
  },
  release: {
    usage: 'ID',
    about: 'Lets a job that is held go on.',
    args: [JOB],
    flags: [],
    run: (call) => change('release', call),
  },
  forget: {
    usage: '[--unfetched] ID',
    about:
      'Deletes what is kept of a job that has ended. By itself that goes after 30 days, but never a result that nobody has fetched.',
    args: [JOB],
    flags: FORGET_FLAGS,
    run: forget,
  },
  doctor: {
    usage: '[NAME]',
    about:
      'Looks whether everything is in place for cluster cells, here or on a cluster, and says what to do about what is not.',
    args: [{ name: 'NAME', values: 'cluster', isOptional: true }],
    flags: [],
    run: async (call) => (await import('./doctor.js')).doctor(call),
  },
  env: {
    usage: '[diff NAME | lock]',
    about: 'Shows what notebooks of this folder run with; diff: what a cluster lacks of it; lock: writes it down.',
    args: [
      { name: 'VERB', values: ['diff', 'lock'], isOptional: true },
      { name: 'NAME', values: 'cluster', isOptional: true },
    ],
    flags: [],
    run: env,
  },
  fs: {
    usage: 'VERB …',
    about: 'Files of clusters: ls, cat, get, put, rm, du, df. `cellburst fs help` tells how.',
    args: [],
    flags: [],
    isRaw: true,
    run: fsCommand,
  },
  config: {
    usage: '[explain NAME]',
    about:
      'Lists the clusters there are, seen from this folder; explain: each value of one, and the file and line it comes from.',
    args: [
      { name: 'VERB', values: ['explain'], isOptional: true },
      { name: 'NAME', values: 'cluster', isOptional: true },
    ],
    flags: [],
    run: config,
  },
  agent: {
    usage: 'status | stop',
    about: 'The process that looks after the jobs; they go on without it.',
    args: [{ name: 'status or stop', values: ['status', 'stop'] }],
    flags: [],
    run: agentCommand,
  },
  install: {
    usage: PLACE_USAGE,
    about:
      'Tells Jupyter of the kernel, and JupyterLab of the job panel. Again after an upgrade of this package: it replaces what is there.',
    args: [],
    flags: PLACE_FLAGS,
    run: install,
  },
  uninstall: {
    usage: PLACE_USAGE,
    about: 'Takes away what install has put there.',
    args: [],
    flags: PLACE_FLAGS,
    run: uninstall,
  },
  completion: {
    usage: SHELLS.join(' | '),
    about: 'Prints the script that completes this command in a shell; its first line says where it goes.',
    args: [{ name: 'SHELL', values: SHELLS }],
    flags: [],
    run: ({ words, terminal }) => {
      const shell = SHELLS.find((known) => known === words[0]);
      if (shell !== undefined) terminal.out(completionScript(shell));
      return EXIT.done;
    },
  },
  help: {
    usage: '[COMMAND]',
    about: 'Shows all commands, or one with its options.',
    args: [{ name: 'COMMAND', values: 'text', isOptional: true }],
    flags: [],
    run: help,
  },
  complete: {
    usage: '-- WORDS…',
    about: 'What could stand here: asked by the scripts of `completion`.',
    args: [],
    flags: [],
    isRaw: true,
    isHidden: true,
    run: (call) => complete(COMMANDS, { ...call, words: call.words[0] === '--' ? call.words.slice(1) : call.words }),
  },
};

function help({ words, terminal }: Call): number {
  const [name] = words;
  const command = name === undefined || !Object.hasOwn(COMMANDS, name) ? undefined : COMMANDS[name];
  if (name !== undefined && command === undefined) throw new UsageError(`There is no command ${JSON.stringify(name)}.`);
  terminal.out(name === undefined || command === undefined ? overview(COMMANDS) : manual(name, command));
  return EXIT.done;
}
