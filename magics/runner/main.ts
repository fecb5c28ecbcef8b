// The runner: parent of one cell process, for one job. It survives the agent that started it, spools what the job prints,
// keeps the job within its limits and writes down how it ended.
//
//   node runner.js [--cell PROGRAM] [--warm] [--cpus LIST] [--orders FILE] [--beside PID] [--inside | --bound]
//
// Orders (protocol/run.ts, RunOrders) come as one line of JSON on standard input; if that closes without a line, the runner ends.
// --orders   a file with that line, for a runner that a scheduler starts
// --beside   the cell process, which the shell has started that became this runner (schedulers/beside.ts)
// --cell     the cell process's program (cell.js beside this file)
// --warm     start the cell process at once, before there are orders
// --cpus     processors for a warm cell process, to be changed when the orders say so
// --inside   started in an image by a runner outside of it (image.ts): the line `terminate` on standard input is as SIGTERM, and its end is the end of all
// --bound    it ends with whoever started it (an agent on kept nodes): the end of standard input is the end of the job, told by its outcome
// SIGTERM asks the job to end, SIGKILL follows after 5 s. Exit codes: 0 the outcome is written; 66 the job's directory is gone;
// 73 another runner has the job; 74 the directory cannot be written; 70 a defect of ours.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { parseArgs } from 'node:util';
import { systemCode } from '../protocol/errors';
import { parseCpuList } from '../protocol/platform';
import { RUNNER_EXIT as EXIT, runOrders, type RunOrders, type RunnerEvent } from '../protocol/run';
import { parseJson } from '../protocol/shape';
import { cellFlags } from '../protocol/cell-start';
import { CellProcess } from './cell-process';
import { runInImage } from './image';
import { openOutside } from './outside';
import { jobEnvironment, runJob } from './run-job';
import { startCell, takeCell, type StartedCell } from './started-cell';

/** Older ones run some cells and fail in others: nobody could tell why. */
const OLDEST_NODE = 18;

async function main(): Promise<number> {
  if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
    console.error(`${process.execPath} is Node.js ${process.versions.node}: ${OLDEST_NODE} or later is needed.`);
    return EXIT.defect;
  }
  const { values } = parseArgs({
    options: {
      cell: { type: 'string' },
      warm: { type: 'boolean' },
      cpus: { type: 'string' },
      orders: { type: 'string' },
      beside: { type: 'string' },
      inside: { type: 'boolean' },
      bound: { type: 'boolean' },
    },
  });
  const program = values.cell ?? join(__dirname, 'cell.js');
  const termination = new AbortController();
  process.on('SIGTERM', () => {
    termination.abort();
  });
  // Terminals and agents may go away; the job does not.
  for (const signal of ['SIGHUP', 'SIGINT'] as const) process.on(signal, () => undefined);
  // Nor does a log that cannot be written end it: it may lie on a disk that is full for a while.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

  // At once: what it says is waited for from now on.
  const beside = values.beside === undefined ? undefined : takeCell(Number(values.beside));
  const warm = values.warm === true ? startWarm(program, values.cpus) : undefined;
  // Nobody reads along where a scheduler has started us.
  const tell = values.orders === undefined ? tellAgent : () => undefined;
  const lines =
    values.orders === undefined ? createInterface({ input: process.stdin, crlfDelay: Infinity }) : undefined;
  const outside =
    lines !== undefined && (values.inside === true || values.bound === true)
      ? openOutside(lines, () => {
          termination.abort();
        })
      : undefined;
  const orders =
    values.orders === undefined
      ? await readOrders(lines, warm, termination.signal)
      : parseJson(readFileSync(values.orders, 'utf8'), runOrders, values.orders);
  if (lines !== undefined && outside === undefined) {
    lines.close();
    process.stdin.destroy();
  }
  if (orders === undefined) {
    warm?.kill();
    return EXIT.done;
  }
  const { container } = orders;
  if (values.bound === true) atEndOfInput(() => termination.abort());
  if (container !== undefined) {
    warm?.kill();
    return await runInImage({ ...orders, container }, { runner: __filename, cell: program }, termination.signal);
  }
  const cell = warm ?? new CellProcess(beside ?? startFor(program, orders));
  if (values.inside === true) endWithOutside(cell);
  // At once: whoever has ended the agent wants the node back.
  if (values.bound === true) atEndOfInput(() => cell.kill());
  if (warm !== undefined && orders.cpus !== undefined) await warm.setCpus(orders.cpus);
  try {
    const outcome = await runJob({
      orders,
      cell,
      signal: termination.signal,
      started: (startedAt) => {
        tell({ event: 'started', startedAt });
      },
      ...(outside === undefined || values.inside !== true ? {} : { wasOomKill: outside.wasOomKill }),
      ...(values.orders === undefined ? { ended: () => tellAgent({ event: 'ended' }) } : {}),
    });
    return outcome === undefined ? EXIT.directoryGone : EXIT.done;
  } catch (error) {
    cell.kill();
    throw error;
  }
}

function startWarm(program: string, cpus: string | undefined): CellProcess {
  const cell = new CellProcess(
    startCell({
      program,
      nodeFlags: [],
      environment: {},
      ...(cpus === undefined ? {} : { cpus: parseCpuList(cpus) }),
    }),
  );
  tellAgent({ event: 'ready' });
  return cell;
}

function startFor(program: string, orders: RunOrders): StartedCell {
  return startCell({
    program,
    nodeFlags: cellFlags(orders.memoryMiB),
    environment: jobEnvironment(orders),
    cwd: orders.directory,
    ...(orders.cpus === undefined ? {} : { cpus: orders.cpus }),
  });
}

/** The runner outside holds our standard input open for as long as it lives. */
function endWithOutside(cell: CellProcess): void {
  atEndOfInput(() => {
    cell.kill();
    process.exit(EXIT.defect);
  });
}

function atEndOfInput(act: () => void): void {
  if (process.stdin.readableEnded) act();
  else process.stdin.once('end', act);
}

/** The first line of standard input. undefined: none will come, or the warm cell process has ended meanwhile. */
async function readOrders(
  lines: Interface | undefined,
  warm: CellProcess | undefined,
  signal: AbortSignal,
): Promise<RunOrders | undefined> {
  const line = await new Promise<string | undefined>((resolve) => {
    const none = (): void => {
      resolve(undefined);
    };
    lines?.once('line', resolve);
    lines?.once('close', none);
    signal.addEventListener('abort', none);
    void warm?.exit.then(none);
  });
  return line === undefined ? undefined : parseJson(line, runOrders, 'the orders of a runner');
}

/** To the agent, if it still listens. */
function tellAgent(event: RunnerEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

const DISK_ERRORS = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EACCES']);

function toExit(error: unknown): number {
  const code = systemCode(error) ?? '';
  if (code === 'ENOENT') return EXIT.directoryGone;
  if (code === 'EEXIST') return EXIT.taken;
  return DISK_ERRORS.has(code) ? EXIT.disk : EXIT.defect;
}

main().then(
  (code) => {
    process.exit(code);
  },
  (error: unknown) => {
    const code = toExit(error);
    console.error(code === EXIT.taken ? 'cellburst: this job has begun before, and is not run twice.' : error);
    process.exit(code);
  },
);
