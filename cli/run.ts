// `cellburst run FILE`: a notebook, cell by cell, or a program as one cell, through a kernel of our own as Jupyter would start it.
import { readFileSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { KernelClient, type CellEnd, type CellOutput } from '../kernel/client';
import { OPTIONS } from '../magics/options';
import { messageOf, UsageError } from '../magics/protocol/errors';
import type { Call, Given } from './command';
import { EXIT } from './exit';
import { tellJson } from './jobs';
import { namedAfter, toClusterCell } from './program';
import { LINE_OPTIONS, PROGRAMS } from './run-flags';
import { runNotebook } from './run-notebook';
import { folderSession } from './session';
import type { Terminal } from './terminal';
import { Transcript } from './transcript';

/** What running asks of one kernel. */
export interface Runner {
  readonly kernel: KernelClient;
  readonly terminal: Terminal;
  run(source: string, output: (output: CellOutput) => void, cellId?: string): Promise<CellEnd>;
  /** Was it interrupted? */
  readonly isInterrupted: () => boolean;
}

export async function run({ words, flags, terminal }: Call): Promise<number> {
  const path = resolve(words[0] ?? '');
  const kind = extname(path);
  const on = flags.text('on');
  const { clusters } = folderSession(dirname(path));
  if (on !== undefined && !clusters.includes(on))
    throw new UsageError(`There is no cluster ${JSON.stringify(on)}. Known: ${clusters.join(', ')}.`);
  if (kind === '.ipynb') {
    refuse(
      flags,
      LINE_OPTIONS.map((name) => OPTIONS[name].flag.slice(2)),
      'Options of jobs are for programs; a notebook says them in its %%cluster lines.',
    );
    return runNotebook(path, { on, flags, terminal, open });
  }
  if (!PROGRAMS.has(kind))
    throw new UsageError(
      `Cannot run ${path}: a notebook (.ipynb) or a program (${[...PROGRAMS].join(', ')}) can be run.`,
    );
  refuse(flags, ['write', 'output', 'keep-going'], 'Only a notebook has outputs to be written.');
  if (on === undefined)
    refuse(
      flags,
      LINE_OPTIONS.map((name) => OPTIONS[name].flag.slice(2)),
      'Options of a job need --on NAME; --on local is this machine.',
    );
  return runProgram(path, on, flags, terminal);
}

function refuse(flags: Given, names: readonly string[], why: string): void {
  const given = names.find((name) => flags.has(name));
  if (given !== undefined) throw new UsageError(`--${given}: ${why}`);
}

/** A kernel for as long as the work takes. Ctrl-C interrupts its cell, as the stop button of a notebook does. */
export async function open<T>(
  start: { readonly path: string; readonly isJS: boolean },
  terminal: Terminal,
  work: (runner: Runner) => Promise<T>,
): Promise<T> {
  terminal.over('Starting …');
  const { path, isJS } = start;
  await using kernel = await KernelClient.start({ directory: dirname(path), notebook: path, isJS });
  let isInterrupted = false;
  const release = terminal.onInterrupt(() => {
    isInterrupted = true;
    kernel.interrupt();
  });
  const { ask } = terminal;
  try {
    return await work({
      kernel,
      terminal,
      run: (source, output, cellId) =>
        kernel.run({
          source,
          output,
          ...(cellId === undefined ? {} : { cellId }),
          ...(ask === undefined ? {} : { ask }),
        }),
      isInterrupted: () => isInterrupted,
    });
  } finally {
    release();
    terminal.over('');
  }
}

async function runProgram(path: string, on: string | undefined, flags: Given, terminal: Terminal): Promise<number> {
  const text = readText(path);
  const line = on === undefined ? undefined : clusterLine(on, flags);
  const source = toClusterCell(text, line);
  const isJS = /js$/.test(extname(path));
  return await open({ path, isJS }, terminal, async (runner) => {
    // With --json standard output is for the one JSON value.
    const shown = new Transcript(terminal.json ? { ...terminal, out: terminal.err } : terminal, process.stderr.isTTY);
    const results: unknown[] = [];
    const end = await runner.run(source, (output) => {
      if (output.type === 'result') results.push(output.data);
      shown.show(output.type === 'error' ? namedAfter(path, output, line !== undefined) : output);
    });
    shown.end();
    if (terminal.json)
      tellJson(
        {
          file: path,
          ok: end.isOk,
          ...(results.length === 0 ? {} : { result: results.at(-1) }),
          ...(end.error === undefined ? {} : { error: { name: end.error.name, message: end.error.message } }),
        },
        terminal,
      );
    if (end.isOk) return EXIT.done;
    return runner.isInterrupted() ? EXIT.interrupted : EXIT.failed;
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new UsageError(`Cannot read ${path}: ${messageOf(cause)}.`, { cause });
  }
}

/** `%%cluster hpc --cores 8`, of what was typed on the command line. */
function clusterLine(on: string, flags: Given): string {
  const words = LINE_OPTIONS.flatMap((name) => {
    const { flag } = OPTIONS[name];
    if (!flags.has(flag.slice(2))) return [];
    const values = flags.all(flag.slice(2));
    return values.length === 0 ? [flag] : values.flatMap((value) => [flag, quoted(flag, value)]);
  });
  return ['%%cluster', on, ...words].join(' ');
}

/** The line of a magic groups by quotes, and knows no way to write one within itself. */
function quoted(flag: string, value: string): string {
  if (/^[\w./:=,@+*-]+$/.test(value)) return value;
  const quote = [`'`, '"'].find((candidate) => !value.includes(candidate));
  if (quote === undefined || /[\r\n]/.test(value))
    throw new UsageError(
      `${flag} cannot be ${JSON.stringify(value)}: line breaks, and both kinds of quotes at once, cannot be said on the line of a cell.`,
    );
  return `${quote}${value}${quote}`;
}
