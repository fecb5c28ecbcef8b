// Programs of Jupyter that bring their own client (nbconvert, the console), with our kernel in a home of their own that is gone afterwards.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endProcesses } from '../notebook/processes';
import { installKernel, jupyterEnvironment, kernelNode, makeFolders, pythonOf, type Places } from '../notebook/server';
import { ROOT } from '../kernel/client';

export interface ProgramEnd {
  readonly code: number | null;
  /** Of both streams. */
  readonly output: string;
}

export class Jupyter {
  readonly directory: string;
  readonly #places: Places;
  readonly #environment: NodeJS.ProcessEnv;

  constructor() {
    const home = realpathSync(mkdtempSync(join(tmpdir(), 'cellburst-')));
    this.#places = { home, state: join(home, 'state'), notebooks: join(home, 'notebooks') };
    this.directory = this.#places.notebooks;
    this.#environment = {
      ...jupyterEnvironment(this.#places),
      // The terminal of the test answers no questions about itself.
      PROMPT_TOOLKIT_NO_CPR: '1',
      TERM: 'xterm',
      IPYTHONDIR: join(home, 'config'),
    };
    makeFolders(home);
    installKernel(kernelNode(), ROOT, home, this.#environment);
  }

  /** Writes a notebook of code cells. Gives its path. */
  writeNotebook(name: string, sources: readonly string[]): string {
    const cells = sources.map((source, index) => ({
      cell_type: 'code',
      id: `cell-${index}`,
      source,
      metadata: {},
      outputs: [],
      execution_count: null,
    }));
    const kernelspec = { name: 'cellburst', display_name: 'TypeScript (Cellburst)', language: 'typescript' };
    const path = join(this.directory, name);
    writeFileSync(path, JSON.stringify({ cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 }));
    return path;
  }

  readNotebook(path: string): readonly SavedCell[] {
    return (JSON.parse(readFileSync(path, 'utf8')) as { cells: SavedCell[] }).cells;
  }

  /** `python -m MODULE ARGS…` */
  start(args: readonly string[]): ChildProcess {
    return spawn(pythonOf(ROOT), args, { cwd: this.directory, env: this.#environment });
  }

  run(args: readonly string[]): Promise<ProgramEnd> {
    const child = this.start(args);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => {
        resolve({ code, output });
      });
    });
  }

  async close(): Promise<void> {
    await endProcesses(`CELLBURST_STATE_DIR=${this.#places.state}`);
    rmSync(this.#places.home, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** As nbformat 4 has it. */
export interface SavedCell {
  readonly execution_count: number | null;
  readonly outputs: readonly {
    readonly output_type: string;
    readonly name?: string;
    readonly text?: string | readonly string[];
    readonly data?: Readonly<Record<string, unknown>>;
    readonly ename?: string;
    readonly evalue?: string;
    readonly traceback?: readonly string[];
  }[];
}
