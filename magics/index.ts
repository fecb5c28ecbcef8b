// The magics of a notebook: which cells are theirs, and what the kernel asks about such cells.
import { connectAgent, type AgentConnection } from './client';
import { runCluster, type ClusterSession } from './cluster';
import { runCommand } from './commands';
import { Clusters } from './config';
import { completeMagic, inspectMagic, type MagicCompletion } from './completion';
import { findMagic, pointAt, type MagicLine } from './line';
import type { Cell, CellOutcome, NotebookSession } from './namespace';
import { didYouMean } from './config/nearest';
import { ClusterError, UsageError } from './protocol/errors';
import { fail, showError } from './show';

export type { MagicCompletion } from './completion';

const CELL_MAGICS: Readonly<Record<string, typeof runCluster>> = { cluster: runCluster };
const LINE_MAGICS: Readonly<Record<string, typeof runCommand>> = { cluster: runCommand };

/** This machine, which needs no config. */
const LOCAL = 'local';

export class Magics implements AsyncDisposable {
  readonly #session: ClusterSession;
  #agent: Promise<AgentConnection> | undefined;

  constructor(session: NotebookSession) {
    const clusters = new Clusters();
    this.#session = {
      ...session,
      get clusters() {
        return [LOCAL, ...clusters.current().keys()];
      },
      configOf: (name) => clusters.current().get(name),
      defaultCluster: LOCAL,
      sent: new Map(),
      agent: () => this.#connect(),
    };
  }

  /** Does this cell belong to a magic? */
  owns(source: string): boolean {
    return findMagic(source) !== undefined;
  }

  async run(cell: Cell): Promise<CellOutcome> {
    try {
      const line = findMagic(cell.source);
      if (!line) throw new UsageError('A magic line must be the first line of its cell.');
      return await dispatch(cell, line, this.#session);
    } catch (error) {
      if (cell.signal.aborted)
        return { ok: false, error: showError('KeyboardInterrupt', 'interrupted before anything was sent.') };
      if (ClusterError.is(error)) return fail(error);
      throw error;
    }
  }

  /** Undefined where the cursor is not on a magic line: then TypeScript answers. */
  async complete(source: string, offset: number): Promise<MagicCompletion | undefined> {
    const line = lineAt(source, offset);
    return line && completeMagic(line, offset, this.#session, () => this.#jobIds());
  }

  inspect(source: string, offset: number): string | undefined {
    const line = lineAt(source, offset);
    return line && inspectMagic(line, offset, this.#session);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#agent?.catch(() => undefined))?.[Symbol.asyncDispose]();
  }

  async #jobIds(): Promise<readonly string[]> {
    const agent = await this.#session.agent();
    return (await agent.jobs()).map(({ id }) => id);
  }

  async #connect(): Promise<AgentConnection> {
    this.#agent ??= connectAgent();
    try {
      return await this.#agent;
    } catch (error) {
      this.#agent = undefined;
      throw error;
    }
  }
}

function dispatch(cell: Cell, line: MagicLine, session: ClusterSession): Promise<CellOutcome> {
  const table = line.kind === 'cell' ? CELL_MAGICS : LINE_MAGICS;
  const run = table[line.name.text];
  if (!run) {
    const percent = line.kind === 'cell' ? '%%' : '%';
    const known = Object.keys(table).map((name) => percent + name);
    throw pointAt(
      line.text,
      { start: 0, end: Math.max(1, line.name.end) },
      `There is no magic ${percent}${line.name.text}.${didYouMean(percent + line.name.text, known)} Known: ${known.join(', ')}.`,
    );
  }
  return run(cell, line, session);
}

function lineAt(source: string, offset: number): MagicLine | undefined {
  const line = findMagic(source);
  return line &&
    offset >= line.offset &&
    offset <= line.offset + line.text.length + 1 &&
    !source.slice(line.offset, offset).includes('\n')
    ? line
    : undefined;
}
