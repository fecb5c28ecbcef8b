// `cellburst run NOTEBOOK`: its code cells in order; what they show goes to the terminal, or into a notebook that is written.
import { basename, resolve } from 'node:path';
import { clusterLabel } from '../magics/protocol/job';
import { UsageError } from '../magics/protocol/errors';
import type { Given } from './command';
import { EXIT } from './exit';
import { tellJson } from './jobs';
import { CellOutputs, NotebookFile, type CodeCell } from './notebook-file';
import { progressLine } from './progress';
import type { open as openKernel, Runner } from './run';
import { duration } from './show';
import type { Terminal } from './terminal';
import { Transcript } from './transcript';

interface Ask {
  readonly on: string | undefined;
  readonly flags: Given;
  readonly terminal: Terminal;
  readonly open: typeof openKernel;
}

interface Ran {
  readonly cells: number;
  readonly failures: readonly { readonly cell: number; readonly name: string; readonly message: string }[];
  readonly isInterrupted: boolean;
}

export async function runNotebook(path: string, { on, flags, terminal, open }: Ask): Promise<number> {
  const notebook = NotebookFile.read(path);
  const target = targetOf(path, flags);
  const started = performance.now();
  const ran = await open({ path, isJS: notebook.isJS }, terminal, async (runner) => {
    if (on !== undefined) await prepare(runner, on);
    const info = runner.kernel.languageInfo;
    if (info !== undefined) notebook.setLanguage(info);
    return runCells(notebook, runner, { target, isStubborn: flags.has('keep-going') });
  });
  const seconds = (performance.now() - started) / 1000;
  const { cells, failures, isInterrupted } = ran;
  const summary = {
    file: path,
    cells: notebook.codeCells.length,
    ran: cells,
    ok: failures.length === 0,
    failures,
    seconds,
  };
  if (terminal.json) tellJson({ ...summary, ...(target === undefined ? {} : { written: target }) }, terminal);
  else
    terminal.err(
      `${sentence(notebook, ran)} (${duration(seconds)})${target === undefined ? '' : ` ${target} is written.`}\n`,
    );
  if (isInterrupted) return EXIT.interrupted;
  return failures.length === 0 ? EXIT.done : EXIT.failed;
}

function targetOf(path: string, flags: Given): string | undefined {
  const output = flags.text('output');
  if (output !== undefined && flags.has('write')) throw new UsageError('Choose one of --write and --output FILE.');
  return output === undefined ? (flags.has('write') ? path : undefined) : resolve(output);
}

/** `%cluster use`, ahead of the first cell; what it says is for nobody. */
async function prepare(runner: Runner, on: string): Promise<void> {
  const end = await runner.run(`%cluster use ${on}`, () => undefined);
  if (!end.isOk) throw new UsageError(end.error?.message ?? `The cluster ${clusterLabel(on)} cannot be used.`);
}

interface Manner {
  readonly target: string | undefined;
  readonly isStubborn: boolean;
}

async function runCells(notebook: NotebookFile, runner: Runner, { target, isStubborn }: Manner): Promise<Ran> {
  const { terminal, isInterrupted } = runner;
  const { codeCells } = notebook;
  const failures: { cell: number; name: string; message: string }[] = [];
  const displays = new Map<string, Record<string, unknown>[]>();
  notebook.clear();
  let cells = 0;
  for (const cell of codeCells) {
    if (isInterrupted()) break;
    if (cell.source.trim() === '') {
      cells++;
      continue;
    }
    terminal.over(
      progressLine(`cell ${cells + 1} of ${codeCells.length}: ${firstLine(cell)}`, cells / codeCells.length),
    );
    const end = await runCell(cell, runner, displays, target !== undefined || terminal.json);
    cells++;
    // A crash later costs no outputs.
    if (target !== undefined) notebook.write(target);
    const hasFailed = !end.isOk && !cell.mayFail;
    if (hasFailed) failures.push({ cell: cells, name: end.error?.name ?? 'Error', message: end.error?.message ?? '' });
    if (hasFailed && target !== undefined) terminal.err(`${terminal.plain((end.error?.traceback ?? []).join('\n'))}\n`);
    if (hasFailed && !isStubborn) break;
  }
  terminal.over('');
  return { cells, failures, isInterrupted: isInterrupted() };
}

async function runCell(
  cell: CodeCell,
  runner: Runner,
  displays: Map<string, Record<string, unknown>[]>,
  isQuiet: boolean,
) {
  const { terminal } = runner;
  const outputs = new CellOutputs(displays);
  const transcript = new Transcript(terminal, process.stderr.isTTY);
  const end = await runner.run(
    cell.source,
    (output) => {
      outputs.add(output);
      if (!isQuiet) transcript.show(output);
    },
    cell.id,
  );
  if (!isQuiet) transcript.end();
  cell.fields['outputs'] = outputs;
  cell.fields['execution_count'] = end.execution;
  return end;
}

function firstLine({ source }: CodeCell): string {
  return source.trim().split('\n', 1)[0] ?? '';
}

function sentence({ path, codeCells }: NotebookFile, { cells, failures, isInterrupted }: Ran): string {
  const name = basename(path);
  const [first] = failures;
  if (isInterrupted) return `${name} was interrupted in cell ${cells} of ${codeCells.length}.`;
  if (first === undefined) return `All ${codeCells.length} cells of ${name} ran.`;
  if (failures.length === 1) return `Cell ${first.cell} of ${codeCells.length} of ${name} failed: ${first.name}.`;
  return `${failures.length} of ${codeCells.length} cells of ${name} failed, the first one is cell ${first.cell}.`;
}
