// A notebook in a folder of its own: cells as the language prepares them, run by the realm. Both sides of magics/protocol/code.ts together.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { NotebookLanguage } from '../../language/notebook';
import type { PreparedCell } from '../../magics/protocol/language';
import { Realm } from '../../magics/realm/realm';

export class Folder {
  /** Of the notebook. */
  readonly directory: string;
  readonly language: NotebookLanguage;
  readonly #root: string;
  readonly #realm: Realm;
  #execution = 0;
  #writes = 0;

  /** `below`: where the notebook lies in the temporary folder. */
  constructor(below = '.') {
    this.#root = realpathSync(mkdtempSync(join(tmpdir(), 'cellburst-folder-')));
    this.directory = join(this.#root, below);
    mkdirSync(this.directory, { recursive: true });
    this.language = new NotebookLanguage({ directory: this.directory, isJS: false });
    const threadProgram = join(__dirname, '..', '..', 'dist', 'thread.js');
    this.#realm = new Realm({ directory: this.directory, text: 'local', threadProgram });
  }

  /** Writes a file; `path` is relative to the notebook. */
  write(path: string, content: string | Uint8Array): void {
    const full = join(this.directory, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, content);
    // Two writes within one tick of the file system's clock would look like one.
    this.#writes += 1;
    utimesSync(full, 1_000 + this.#writes, 1_000 + this.#writes);
  }

  delete(path: string): void {
    rmSync(join(this.directory, path), { force: true });
  }

  /** Checks a cell and takes it for executed. */
  check(source: string): PreparedCell {
    const execution = ++this.#execution;
    const prepared = this.language.prepare({ source, execution });
    this.language.commit(execution, Infinity);
    return prepared;
  }

  /** The codes of what is wrong: `TS7006`. */
  problems(source: string): string[] {
    const prepared = this.check(source);
    return prepared.ok ? [] : prepared.problems.map(({ code }) => `TS${code ?? 0}`);
  }

  /** The value of a cell. Throws what it throws, and an error for one that does not check. */
  async run(source: string): Promise<unknown> {
    const execution = ++this.#execution;
    const prepared = this.language.prepare({ source, execution });
    if (!prepared.ok)
      throw new Error(prepared.problems.map(({ code, message }) => `TS${code ?? 0}: ${message}`).join('\n'));
    const outcome = await this.#realm.run(prepared.code);
    this.language.commit(execution, outcome.progress);
    if (!outcome.ok) throw outcome.error;
    return outcome.value;
  }

  /** Runs the cells in order; gives the value of the last. */
  async runAll(cells: readonly string[]): Promise<unknown> {
    let value: unknown;
    for (const cell of cells) value = await this.run(cell);
    return value;
  }

  /** The names of a fresh notebook; modules stay loaded. */
  reset(): void {
    this.language.reset();
    this.#realm.forget();
  }

  remove(): void {
    rmSync(this.#root, { recursive: true });
  }
}
