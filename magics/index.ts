// The magics of a notebook: which cells are theirs, and what the kernel asks about such cells.
import { connectAgent, type AgentConnection } from './client';
import type { ClusterSession } from './cluster';
import { Clusters } from './config';
import { Environments } from './environment';
import { completeMagic, inspectMagic, type MagicCompletion } from './completion';
import { argumentText, findMagics, pointAt, type MagicLine } from './line';
import { manualOf, type Magic } from './magic';
import type { Cell, CellOutcome, NotebookSession } from './namespace';
import { didYouMean } from './config/nearest';
import { ClusterError } from './protocol/errors';
import { magicLines, TIMED } from './protocol/magic';
import { fail, showError, showText, succeed } from './show';
import { magicOf, MAGICS, spellingOf } from './table';

export type { MagicCompletion } from './completion';

/** This machine, which needs no config. */
const LOCAL = 'local';

export class Magics implements AsyncDisposable {
  readonly #session: ClusterSession;
  #agent: Promise<AgentConnection> | undefined;

  /** `preferred`: the notebook's own choice of a cluster for cells that name none. */
  constructor(session: NotebookSession, preferred: () => string | undefined = () => undefined) {
    const clusters = new Clusters(process.env, session.directory);
    let chosen: string | undefined;
    this.#session = {
      ...session,
      get clusters() {
        return [LOCAL, ...clusters.current().clusters.keys()];
      },
      // This machine needs no config, and so none without mistakes.
      configOf: (name) => (name === LOCAL ? undefined : clusters.current().clusters.get(name)),
      get defaultCluster() {
        return chosen ?? preferred() ?? clusters.current().defaultCluster;
      },
      set defaultCluster(name) {
        chosen = name;
      },
      workingDirectory: session.directory,
      sent: new Map(),
      environments: new Environments(),
      skewsTold: new Set(),
      agent: () => this.#connect(),
    };
  }

  /** Does this cell begin with a magic? */
  owns(source: string): boolean {
    return magicLines(source).length > 0;
  }

  hasCellMagic(source: string): boolean {
    return magicLines(source).at(-1)?.kind === 'cell';
  }

  /** Is the rest of this cell, if there is one, no TypeScript? */
  ownsRest(source: string): boolean {
    const last = findMagics(source).at(-1);
    return last?.kind === 'cell' && magicOf(last)?.takesText === true;
  }

  async run(cell: Cell): Promise<CellOutcome> {
    try {
      return await runAll(cell, this.#session);
    } catch (error) {
      if (cell.signal.aborted)
        return { ok: false, error: showError('KeyboardInterrupt', 'the magic was interrupted.') };
      if (ClusterError.is(error)) return fail(error);
      throw error;
    }
  }

  /** Undefined where the cursor is not on a magic line: then TypeScript answers. */
  async complete(source: string, offset: number): Promise<MagicCompletion | undefined> {
    const line = lineAt(source, offset);
    if (line && TIMED.test(line.text) && offset > line.offset + line.name.end) return undefined;
    if (!line && this.ownsRest(source)) return { start: offset, end: offset, matches: [] };
    try {
      return line && (await completeMagic(line, offset, this.#session, () => this.#jobIds()));
    } catch (error) {
      // A mistake in the config is told when a cell is run.
      if (ClusterError.is(error)) return { start: offset, end: offset, matches: [] };
      throw error;
    }
  }

  inspect(source: string, offset: number): string | undefined {
    const line = lineAt(source, offset);
    try {
      return line && inspectMagic(line, offset, this.#session);
    } catch (error) {
      if (ClusterError.is(error)) return error.message;
      throw error;
    }
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

/** The magic lines in order, then the code below them. The first that fails ends the cell. */
async function runAll(cell: Cell, session: ClusterSession): Promise<CellOutcome> {
  const lines = findMagics(cell.source);
  // A typo in the last line is told before the first one runs.
  for (const line of lines) refuseUnknown(line);
  let outcome: CellOutcome = { ok: true };
  for (const line of lines) {
    showNow(outcome, cell);
    outcome = await runLine(cell, line, session);
    if (!outcome.ok) return outcome;
    cell.signal.throwIfAborted();
  }
  if (lines.some(takesCode) || !hasCode(cell.source, lines.at(-1))) return outcome;
  showNow(outcome, cell);
  return (await cell.runHere()).outcome;
}

/** A result that something follows is shown where it stands. */
function showNow(outcome: CellOutcome, cell: Cell): void {
  if (outcome.ok && outcome.display) cell.output.write({ type: 'display', ...outcome.display });
}

async function runLine(cell: Cell, line: MagicLine, session: ClusterSession): Promise<CellOutcome> {
  const magic = refuseUnknown(line);
  if (line.kind !== 'shell' && ['?', '--help', '-h'].includes(argumentText(line)))
    return succeed(showText(manualOf(magic, session)));
  return magic.run({ cell, line, session });
}

function takesCode(line: MagicLine): boolean {
  return line.kind === 'cell' || line.name.text === 'time';
}

function hasCode(source: string, last: MagicLine | undefined): boolean {
  return last !== undefined && source.slice(last.offset + last.text.length).trim() !== '';
}

function refuseUnknown(line: MagicLine): Magic {
  const magic = magicOf(line);
  if (magic) return magic;
  const known = Object.keys(MAGICS).filter((spelling) => spelling.startsWith('%'));
  const spelling = spellingOf(line);
  throw pointAt(
    line.text,
    { start: 0, end: Math.max(1, line.name.end) },
    `There is no magic ${spelling}.${didYouMean(spelling, known)} Known: ${known.join(', ')}.`,
  );
}

function lineAt(source: string, offset: number): MagicLine | undefined {
  return findMagics(source).find(
    (line) =>
      offset >= line.offset &&
      // Blanks at the end of the line are none of its text.
      !source.slice(line.offset, offset).includes('\n'),
  );
}
