// Cells that import nothing are checked beside a program that stands. It must never be more lenient than a program of their own.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CellChecker } from '../../language/checking/checker';
import { NotebookLanguage } from '../../language/notebook';

const directory = mkdtempSync(join(tmpdir(), 'cellburst-standing-'));
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

class Notebook {
  readonly language = new NotebookLanguage({ directory, isJS: false });
  #execution = 0;

  /** Messages of what is wrong with the cell; it is committed when nothing is. */
  run(source: string): string[] {
    const execution = ++this.#execution;
    const prepared = this.language.prepare({ source, execution });
    if (!prepared.ok) return prepared.problems.map(({ message, line, column }) => `${line}:${column} ${message}`);
    this.language.commit(execution, Infinity);
    return [];
  }
}

test('a cell without mistakes is checked without a new program, one with a mistake or an import is not', () => {
  const checker = new CellChecker(directory, () => false);
  checker.show('1', '.ts');
  const { program } = checker;
  checker.keepProgram();
  expect(checker.checkBeside(1, 'const a: number[] = [1, 2].map((n) => n * 2)', '.ts')).toBeDefined();
  expect(checker.checkBeside(2, 'const b: string = 1', '.ts')).toBeUndefined();
  expect(checker.checkBeside(3, 'const c = (', '.ts')).toBeUndefined();
  expect(checker.checkBeside(4, 'import fs from "node:fs"', '.ts')).toBeUndefined();
  expect(checker.checkBeside(5, 'declare global { var d: number }', '.ts')).toBeUndefined();
  expect(checker.program).toBe(program);
});

test('names keep the meaning they had for the cell that used them, over many cells and redeclarations', () => {
  const notebook = new Notebook();
  expect(notebook.run('class Point { x = 1 } const first = new Point()')).toEqual([]);
  expect(notebook.run('class Point { y = "a" } const second = new Point()')).toEqual([]);
  expect(notebook.run('const sum: number = first.x; const text: string = second.y')).toEqual([]);
  expect(notebook.run('second.x')).toEqual(["0:7 Property 'x' does not exist on type 'Point'."]);
  for (let turn = 0; turn < 320; turn++) expect(notebook.run(`const kept = ${turn}; kept + first.x`)).toEqual([]);
  expect(notebook.run('first.y')).toEqual(["0:6 Property 'y' does not exist on type 'Point'."]);
});

test('a mistake is told in the same words however often it is made', () => {
  const notebook = new Notebook();
  notebook.run('const measurement = 1');
  const [first] = notebook.run('measurment');
  expect(first).toContain("Did you mean 'measurement'?");
  for (let turn = 0; turn < 15; turn++) expect(notebook.run('measurment')).toEqual([first]);
});

test('what a cell makes global, and what it imports, holds for the next', () => {
  const notebook = new Notebook();
  expect(notebook.run('const before = 1')).toEqual([]);
  expect(notebook.run('declare global { interface Array<T> { tally(): number } }')).toEqual([]);
  expect(notebook.run('const tally: number = [1].tally()')).toEqual([]);
  expect(notebook.run('import { cpus } from "node:os"')).toEqual([]);
  expect(notebook.run('const model: string = cpus()[0]!.model; [1].tally()')).toEqual([]);
  expect(notebook.run('const wrong: number = cpus()[0]!.model')).toHaveLength(1);
});

test('a local file that changes between two cells changes what they may say', () => {
  const notebook = new Notebook();
  writeFileSync(join(directory, 'library.ts'), 'export const size: number = 1;\n');
  expect(notebook.run('import { size } from "./library"')).toEqual([]);
  expect(notebook.run('const twice: number = size * 2')).toEqual([]);
  writeFileSync(join(directory, 'library.ts'), 'export const size: string = "one";\n// another length\n');
  expect(notebook.run('const half: number = size / 2')).toHaveLength(1);
  expect(notebook.run('const shout: string = size.toUpperCase()')).toEqual([]);
});

test('before the types of Node are read, a cell that needs none of them is checked, and any other is checked with them', () => {
  const notebook = new Notebook();
  notebook.language.readEarly();
  expect(notebook.run('const first: number[] = [1, 2]; first.map((n) => n * 2)')).toEqual([]);
  expect(notebook.run('const wrong: string = first[0]')).toHaveLength(1);
  expect(notebook.run('console.log(first, process.pid, Buffer.from("a"))')).toEqual([]);
  expect(notebook.run('const second: string[] = first')).toHaveLength(1);
});

test('all that is read later knows of a cell that was run before', () => {
  const notebook = new Notebook();
  notebook.language.readEarly();
  expect(notebook.run('const first = 1')).toEqual([]);
  expect(notebook.language.readAll()).toBe(true);
  expect(notebook.run('const path: string = process.cwd() + first.toFixed(1)')).toEqual([]);
  expect(notebook.run('const second: string = first')).toHaveLength(1);
});
