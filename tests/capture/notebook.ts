// A notebook for tests: real lowering, a real realm, and a real cell process for every cluster cell. No agent and no runner.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lowerCell } from '../../language/lowering/lower';
import type { CellCode, DeclarationKind } from '../../magics/protocol/code';
import type { CaptureReport, SettleReport } from '../../magics/protocol/capture';
import { OutputReader } from '../../magics/protocol/output';
import type { OutputRecord } from '../../magics/protocol/output';
import { describeRefusals } from '../../magics/protocol/errors';
import { captureCell, settleCell } from '../../magics/capture';
import { Realm, makePmap, makeRegisterCodec, markLocal } from '../../magics/realm';

const THREAD = join(__dirname, '..', '..', 'dist', 'pmap.js');
const PROGRAM = join(__dirname, '..', '..', 'dist', 'cell.js');

const PATIENCE = 30_000;

export interface JobEnd {
  readonly exitCode: number | null;
  readonly stderr: string;
  readonly output: readonly OutputRecord[];
  readonly directory: string;
}

export interface ClusterRun extends JobEnd {
  readonly capture: CaptureReport;
  readonly report: SettleReport;
}

export class Notebook {
  readonly directory = mkdtempSync(join(tmpdir(), 'notebook-'));
  readonly realm: Realm = new Realm({
    directory: this.directory,
    text: 'local',
    virtualModules: {
      cellburst: {
        pmap: makePmap(() => this.realm, { sink: { write: () => undefined }, program: THREAD }),
        local: markLocal,
        registerCodec: makeRegisterCodec(() => this.realm),
      },
    },
  });
  readonly #known = new Map<string, DeclarationKind>();
  #execution = 0;
  #jobs = 0;
  readonly #patience: number;

  /** `patience`: how long a cell process may take, in milliseconds. */
  constructor(patience = PATIENCE) {
    this.#patience = patience;
  }

  lower(source: string): CellCode {
    this.#execution += 1;
    const masked = source.replace(/^%%/, '//');
    return lowerCell({
      source,
      masked,
      execution: this.#execution,
      extension: '.ts',
      known: this.#known,
      typeOnly: new Set(),
    });
  }

  /** Runs a cell here and gives its value. */
  async run(source: string): Promise<unknown> {
    const code = this.lower(source);
    const run = await this.realm.run(code);
    this.commit(code, run.progress);
    if (!run.ok) throw run.error;
    return run.value;
  }

  /** A name that came with a job of another notebook. */
  declare(name: string, kind: DeclarationKind): void {
    this.#known.set(name, kind);
  }

  commit(code: CellCode, progress: number): void {
    for (const { name, kind, step } of code.declarations) if (progress > step) this.#known.set(name, kind);
  }

  newJob(): string {
    const directory = join(this.directory, `job-${++this.#jobs}`);
    mkdirSync(directory);
    return directory;
  }

  /** Runs a cell in another process and settles it here. */
  async cluster(
    source: string,
    options: { readonly atomic?: boolean; readonly meanwhile?: () => Promise<unknown> } = {},
  ): Promise<ClusterRun> {
    const code = this.lower(`%%cluster\n${source}`);
    const directory = this.newJob();
    const capture = await captureCell(this.realm, { cell: code, bundlePath: join(directory, 'bundle.bin') });
    const end = await runCell(directory, this.#patience);
    await options.meanwhile?.();
    if (end.exitCode !== 0) throw new Error(`The cell process ended with ${String(end.exitCode)}: ${end.stderr}`);
    const report = await settleCell(this.realm, {
      captureId: capture.captureId,
      directory,
      atomic: options.atomic ?? false,
      where: 'ran in a test',
    });
    this.commit(code, report.progress);
    return { ...end, capture, report };
  }

  /** The text a cluster cell shows as its value; throws what it threw, by name and message. */
  async value(source: string): Promise<unknown> {
    const { report } = await this.cluster(source);
    if (!report.outcome.ok) throw new Error(`${report.outcome.error.name}: ${report.outcome.error.message}`);
    return report.outcome.display?.data['text/plain'];
  }

  /** Refusals of a capture. */
  async refusal(source: string): Promise<string> {
    try {
      // A report tells all refusals; what keeps a cell from being looked at is thrown.
      const { refusals } = await captureCell(this.realm, { cell: this.lower(`%%cluster\n${source}`) });
      if (refusals.length > 0) return describeRefusals(refusals);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    throw new Error('The capture should have been refused.');
  }

  close(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Starts a cell process for a job directory and waits for its end. */
export function runCell(directory: string, patience = PATIENCE): Promise<JobEnd> {
  const child = spawn(process.execPath, [PROGRAM], { stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'] });
  const reader = new OutputReader();
  const output: OutputRecord[] = [];
  let stderr = '';
  child.stdio[3]?.on('data', (chunk: Buffer) => {
    for (const { record } of reader.push(chunk)) output.push(record);
  });
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const orders = child.stdio[4];
  if (orders !== null && orders !== undefined && 'end' in orders) orders.end(`${JSON.stringify({ directory })}\n`);
  const timer = setTimeout(() => child.kill('SIGKILL'), patience);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) => {
      clearTimeout(timer);
      resolve({ exitCode, stderr, output, directory });
    });
  });
}
