// Programs beside the notebook: `!cmd`, `%%bash`, `%npm`. They run as children of the user process, so they see its environment and its working
// directory; what they print is live, and an interrupt ends them with all their children.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { offer, type Magic, type MagicCall } from './magic';
import { pointAt } from './line';
import type { CellOutcome } from './namespace';
import type { ProgramCall, ProgramEnd } from './protocol/chores';
import { UsageError } from './protocol/errors';
import { showError, succeed } from './show';

export const shellLine: Magic = {
  usage: '!COMMAND',
  help: 'Runs a line in the shell, as !ls -l. To negate a name on the first line of a cell, write (!name).',
  async run(call) {
    const command = call.line.text.slice(1).trim();
    if (command === '')
      throw pointAt(call.line.text, { start: 0, end: 1 }, 'There is no command behind the exclamation mark.');
    return runProgram(call, { command: { kind: 'shell', line: command } }, command);
  },
};

export const bash: Magic = {
  usage: '%%bash [ARGUMENT …]',
  help: 'Runs the cell in bash. Its arguments are $1, $2 …',
  takesText: true,
  async run(call) {
    const { cell, line } = call;
    const script = cell.source.slice(line.offset + line.text.length);
    if (script.trim() === '')
      throw new UsageError('There is nothing below the %%bash line to run. Put the commands on the lines after it.');
    const args = ['-c', script, 'bash', ...line.words.map(({ text }) => text)];
    return runProgram(call, { command: { kind: 'program', program: 'bash', args } }, 'The script');
  },
};

/** The npm that came with this Node; else the one on the PATH: a Node of nvm or fnm is often on the PATH of the shell only. */
function npmProgram(): { readonly program: string; readonly args: readonly string[] } {
  const beside = dirname(process.execPath);
  const scripts = ['../lib/node_modules/npm/bin/npm-cli.js', 'node_modules/npm/bin/npm-cli.js'].map((path) =>
    join(beside, path),
  );
  const script = scripts.find((path) => existsSync(path));
  return script === undefined ? { program: 'npm', args: [] } : { program: process.execPath, args: [script] };
}

const NPM_COMMANDS = ['install', 'uninstall', 'update', 'list', 'outdated', 'view', 'run'];
const CHANGING = new Set(['install', 'i', 'add', 'ci', 'uninstall', 'remove', 'rm', 'un', 'update', 'up', 'link']);

export const npm: Magic = {
  usage: '%npm install PACKAGE …',
  help: "Runs npm in the notebook's folder. What it installs can be imported at once; a package that is loaded already changes with the next restart.",
  async run(call) {
    const { line, session, cell } = call;
    const words = line.words.map(({ text }) => text);
    const [command] = words;
    if (command === undefined)
      throw pointAt(
        line.text,
        { start: line.text.length, end: line.text.length + 1 },
        '%npm install PACKAGE: something is missing.',
      );
    const { program, args } = npmProgram();
    // Without a prefix npm goes up to the next folder that has a package.json.
    const place = ['--prefix', session.directory, '--no-fund', '--no-audit', '--no-update-notifier'];
    const outcome = await runProgram(
      call,
      { command: { kind: 'program', program, args: [...args, ...words, ...place] }, directory: session.directory },
      `npm ${command}`,
    );
    if (CHANGING.has(command) && !cell.signal.aborted) await session.language.refresh();
    return outcome;
  },
  offers: ({ earlier }) => offer('command', earlier.length === 0 ? NPM_COMMANDS : []),
};

async function runProgram({ cell, session }: MagicCall, program: ProgramCall, what: string): Promise<CellOutcome> {
  const end = await session.namespace.chore('run', program, cell.signal);
  if (end.how === 'exit' && end.code === 0) return succeed();
  return { ok: false, error: showError('CommandFailed', tellEnd(end, what)) };
}

function tellEnd(end: ProgramEnd, what: string): string {
  switch (end.how) {
    case 'exit':
      return `${what} ended with exit code ${end.code}.`;
    case 'signal':
      return `${what} was ended by ${end.signal}.`;
    case 'absent':
      return `${what} could not be started: ${end.reason}`;
  }
}
