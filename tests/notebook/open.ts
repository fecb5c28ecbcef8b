// What each file of notebook tests begins with: a server of its own, and notebooks on it that are closed whatever happens.
import type { CellRun, Notebook, RunOptions } from './notebook';
import { startServer, type JupyterServer, type ServerOptions } from './server';

const START_MS = 120_000;

export interface Opened {
  readonly server: JupyterServer;
  readonly notebook: Notebook;
}

/** Starts a server and opens one notebook before the tests of a file; ends everything after them. Read the members inside tests only. */
export function useNotebook(options: ServerOptions = {}): Opened {
  let opened: Opened | undefined;
  beforeAll(async () => {
    const server = await startServer(options);
    try {
      opened = { server, notebook: await server.openNotebook() };
    } catch (error) {
      await server.close();
      throw error;
    }
  }, START_MS);
  afterAll(() => opened?.server.close(), START_MS);
  const now = (): Opened => {
    if (opened === undefined) throw new Error('The notebook is open inside tests only.');
    return opened;
  };
  return {
    get server() {
      return now().server;
    },
    get notebook() {
      return now().notebook;
    },
  };
}

/** Runs a cell that must not fail. */
export async function succeed(notebook: Notebook, source: string, options?: RunOptions): Promise<CellRun> {
  const run = await notebook.run(source, options);
  if (run.error !== undefined) throw new Error(`The cell failed:\n${source}\n\n${run.error.traceback}`);
  if (run.reply.status !== 'ok') throw new Error(`The cell was answered with ${run.reply.status}:\n${source}`);
  return run;
}

/** The text of a cell's result, which must be there. */
export async function valueOf(notebook: Notebook, source: string): Promise<string> {
  const run = await succeed(notebook, source);
  if (run.value === undefined) throw new Error(`The cell has no result:\n${source}\n\n${JSON.stringify(run.outputs)}`);
  return run.value;
}

/** The error of a cell that must fail. */
export async function errorOf(notebook: Notebook, source: string): Promise<NonNullable<CellRun['error']>> {
  const run = await notebook.run(source);
  if (run.error === undefined)
    throw new Error(`The cell should have failed:\n${source}\n\n${JSON.stringify(run.outputs)}`);
  return run.error;
}

/** All text that a cell shows, however it comes: streams, displays, results and errors. */
export function shownText(run: Pick<CellRun, 'outputs'>): string {
  return run.outputs
    .map((output) => {
      if (output.output_type === 'stream') return output.text;
      if (output.output_type === 'error') return output.traceback.join('\n');
      const text = output.data['text/plain'];
      return Array.isArray(text) ? text.join('') : typeof text === 'string' ? text : '';
    })
    .join('\n');
}
