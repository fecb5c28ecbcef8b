// `cellburst install` and `uninstall`: the kernel and JupyterLab's job panel, where Jupyter looks for them.
import {
  installExtension,
  installKernel,
  uninstallExtension,
  uninstallKernel,
  type InstallPlace,
  type InstallReport,
} from '../kernel';
import { UsageError } from '../magics/protocol/errors';
import type { Call, Flag, Given } from './command';
import { EXIT } from './exit';
import { tellJson } from './jobs';
import type { Terminal } from './terminal';

export const PLACE_FLAGS: readonly Flag[] = [
  { name: 'user', help: 'For this person (the default).' },
  { name: 'sys-prefix', help: 'For the active Conda or virtual environment, or that of the first python3.' },
  { name: 'prefix', argument: 'DIR', values: 'file', help: 'For the Jupyter below DIR: DIR/share/jupyter.' },
];

export function install({ flags, terminal }: Call): number {
  const place = placeOf(flags);
  return tell({ kernel: installKernel({ place }), extension: installExtension({ place }) }, terminal);
}

export function uninstall({ flags, terminal }: Call): number {
  const place = placeOf(flags);
  return tell({ kernel: uninstallKernel({ place }), extension: uninstallExtension({ place }) }, terminal);
}

function placeOf(flags: Given): InstallPlace {
  if (PLACE_FLAGS.filter(({ name }) => flags.has(name)).length > 1)
    throw new UsageError('Choose one of --user, --sys-prefix and --prefix DIR.');
  const directory = flags.text('prefix');
  if (directory !== undefined) return { kind: 'prefix', directory };
  return { kind: flags.has('sys-prefix') ? 'sys-prefix' : 'user' };
}

interface Reports {
  readonly kernel: InstallReport;
  readonly extension: InstallReport;
}

function tell(reports: Reports, terminal: Terminal): number {
  if (terminal.json) tellJson(reports, terminal);
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
