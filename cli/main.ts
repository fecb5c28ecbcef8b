// The `cellburst` command: reads the command line, calls one command, turns errors into sentences and exit codes.
import { parseArgs } from 'node:util';
import {
  installExtension,
  installKernel,
  uninstallExtension,
  uninstallKernel,
  type InstallPlace,
  type InstallReport,
} from '../kernel';
import { ClusterError, UsageError, messageOf, systemCode } from '../magics/protocol/errors';
import { VERSION } from '../magics/protocol/version';
import { agentCommand, attach, cancel, change, listJobs, printLog, type Terminal } from './commands';
import { config } from './config';
import { fsCommand } from './fs';
import { EXIT, HELP } from './usage';

const OPTIONS = {
  follow: { type: 'boolean', short: 'f' },
  help: { type: 'boolean', short: 'h' },
  json: { type: 'boolean' },
  prefix: { type: 'string' },
  'sys-prefix': { type: 'boolean' },
  user: { type: 'boolean' },
  version: { type: 'boolean', short: 'v' },
} as const;

interface CommandLine {
  readonly words: readonly string[];
  readonly values: {
    readonly follow?: boolean;
    readonly help?: boolean;
    readonly json?: boolean;
    readonly prefix?: string;
    readonly 'sys-prefix'?: boolean;
    readonly user?: boolean;
    readonly version?: boolean;
  };
}

function readCommandLine(args: readonly string[]): CommandLine {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
    return { words: positionals, values };
  } catch (cause) {
    throw new UsageError(`${messageOf(cause)} \`cellburst --help\` lists what there is.`, { cause });
  }
}

async function main(): Promise<number> {
  const [verb, ...typed] = process.argv.slice(2);
  // Its words are its own: `-r` is no option of the others.
  if (verb === 'fs') return fsCommand(typed, openTerminal(false));
  const { words, values } = readCommandLine(process.argv.slice(2));
  const terminal = openTerminal(values.json === true);
  const [command, first, ...rest] = words;
  if (values.version === true) {
    terminal.out(`${VERSION}\n`);
    return EXIT.done;
  }
  if (values.help === true || command === 'help') {
    terminal.out(HELP);
    return EXIT.done;
  }
  if (rest.length > 0 && command !== 'config')
    throw new UsageError(`Cannot read ${JSON.stringify(rest[0])}: there is one word too many.`);
  switch (command) {
    case 'jobs':
      return listJobs(terminal);
    case 'logs':
      return printLog(idOf(first, 'logs'), values.follow === true, terminal);
    case 'attach':
      return attach(idOf(first, 'attach'), terminal);
    case 'cancel':
      return cancel(idOf(first, 'cancel'), terminal);
    case 'hold':
    case 'release':
      return change(command, idOf(first, command), terminal);
    case 'config':
      return config(first, rest, terminal);
    case 'agent':
      return agentCommand(first, terminal);
    case 'install':
      return install(placeOf(values), terminal);
    case 'uninstall':
      return uninstall(placeOf(values), terminal);
    case undefined:
      terminal.err(HELP);
      return EXIT.usage;
    default:
      throw new UsageError(`There is no command ${JSON.stringify(command)}. \`cellburst --help\` lists what there is.`);
  }
}

function idOf(word: string | undefined, command: string): string {
  if (word !== undefined) return word;
  throw new UsageError(`Which job? Say \`cellburst ${command} ID\`; \`cellburst jobs\` lists all jobs.`);
}

function placeOf(values: CommandLine['values']): InstallPlace {
  const chosen = [values.user, values['sys-prefix'], values.prefix].filter((value) => value !== undefined);
  if (chosen.length > 1) throw new UsageError('Choose one of --user, --sys-prefix and --prefix DIR.');
  if (values.prefix !== undefined) return { kind: 'prefix', directory: values.prefix };
  return { kind: values['sys-prefix'] === true ? 'sys-prefix' : 'user' };
}

function install(place: InstallPlace, terminal: Terminal): number {
  return tellInstall({ kernel: installKernel({ place }), extension: installExtension({ place }) }, terminal);
}

function uninstall(place: InstallPlace, terminal: Terminal): number {
  return tellInstall({ kernel: uninstallKernel({ place }), extension: uninstallExtension({ place }) }, terminal);
}

function tellInstall(
  reports: { readonly kernel: InstallReport; readonly extension: InstallReport },
  terminal: Terminal,
): number {
  if (terminal.json) terminal.out(`${JSON.stringify(reports, null, 2)}\n`);
  else {
    terminal.out(installLines('the kernel', reports.kernel));
    terminal.out(installLines("JupyterLab's job panel", reports.extension));
  }
  return EXIT.done;
}

function installLines(what: string, { directory, files, done }: InstallReport): string {
  const sentence = {
    installed: `Installed ${what} in ${directory}.`,
    updated: `Updated ${what} in ${directory}.`,
    unchanged: `Up to date: ${what} in ${directory}.`,
    removed: `Removed ${what} from ${directory}.`,
    absent: `Not there: ${what} in ${directory}.`,
  }[done];
  return [sentence, ...files.map((file) => `  ${file}`), ''].join('\n');
}

function openTerminal(json: boolean): Terminal {
  const interrupt = new AbortController();
  process.once('SIGINT', () => {
    interrupt.abort();
  });
  // `cellburst logs ID | head`: whoever read has seen enough.
  process.stdout.on('error', (error) => {
    process.exit(systemCode(error) === 'EPIPE' ? EXIT.done : EXIT.failed);
  });
  return {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    columns: process.stdout.isTTY ? process.stdout.columns : 1000,
    json,
    signal: interrupt.signal,
  };
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`cellburst: ${ClusterError.is(error) ? error.message : messageOf(error)}\n`);
    process.exitCode = error instanceof UsageError ? EXIT.usage : EXIT.failed;
  },
);
