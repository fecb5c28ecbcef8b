// A notebook that is worked on for days: what nothing visible leads to is forgotten, so that a check costs the same at cell 200 as at cell 20.
import { tmpdir } from 'node:os';
import { CellChecker } from '../../language/checking/checker';

const checker = new CellChecker(tmpdir(), () => false);
let execution = 0;

function execute(text: string): void {
  const { scope } = checker;
  checker.show(text, '.ts');
  checker.commit({ execution: ++execution, text, extension: '.ts', scope }, new Set());
}

/** Cells that are part of the program, beside the one that is looked at. */
function cellsInProgram(): string[] {
  checker.show('', '.ts');
  return checker.program.getRootFileNames().flatMap((name) => /Cell \[(\d+)\]/.exec(name)?.[1] ?? []);
}

test('only cells that import, and whose names are in use, are part of the program', () => {
  for (let turn = 0; turn < 20; turn++) execute('import fs from "node:fs"');
  execute('const plain = 1');
  expect(cellsInProgram()).toEqual(['20']);

  execute('const stats = () => fs.statSync(".")');
  execute('import fs from "node:os"');
  expect(cellsInProgram()).toEqual(['20', '23']);

  execute('const stats = 2');
  expect(cellsInProgram()).toEqual(['23']);

  execute('declare global { var seen: number }');
  execute('const other = 1');
  expect(cellsInProgram()).toEqual(['23', '25']);

  checker.forget();
  expect(cellsInProgram()).toEqual([]);
});
