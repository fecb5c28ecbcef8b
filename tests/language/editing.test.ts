// Help while a cell is being typed: completion, inspection, and whether a text is ready to run.
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NotebookLanguage } from '../../language/notebook';

const directory = mkdtempSync(join(tmpdir(), 'cellburst-editing-'));
const language = new NotebookLanguage({ directory, isJS: false });

beforeAll(() => {
  const cells = [
    'import fs from "node:fs"; import { display } from "cellburst"',
    '/** Doubles.\n * @param n what to double */\nfunction double(n: number): number { return n * 2 }\nconst model = { weights: [1], fit(rate: number) { return rate }, "odd key": 1 }',
    'class Model { layers = 3; #hidden = 1 }; const m = new Model(); interface Row { alpha: string; beta: number } const mode: "fast" | "slow" = "fast"',
    'class Model { other = 1 }',
  ];
  cells.forEach((source, index) => {
    expect(language.prepare({ source, execution: index + 1 })).toMatchObject({ ok: true });
    language.commit(index + 1, Infinity);
  });
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** `|` is the cursor. Gives the matches and what they replace. */
function complete(marked: string): { replaced: string; matches: string[]; types: string[] } {
  const offset = marked.indexOf('|');
  const source = marked.replace('|', '');
  const { start, end, matches } = language.complete(source, offset);
  return {
    replaced: source.slice(start, end),
    matches: matches.map(({ text }) => text),
    types: matches.map(({ kind }) => kind),
  };
}

describe('completion', () => {
  test.each([
    ['members of an earlier value', 'model.|', '', ['fit', 'weights']],
    ['members with a prefix, any case', 'model.WE|', 'WE', ['weights']],
    ['names of earlier cells', 'doub|', 'doub', ['double']],
    ['members of an old instance', 'm.|', '', ['layers']],
    ['members of the new class', 'new Model().|', '', ['other']],
    ['names of this text', 'const local = { inside: 1 }; local.in|', 'in', ['inside']],
    ['inside a cluster cell', '%%cluster --cores 4\nfs.existsSy|', 'existsSy', ['existsSync']],
    ['types', 'let r: Ro|', 'Ro', ['Row']],
    ['keys of an expected object', 'const r: Row = { al| }', 'al', ['alpha']],
    ['string literals', 'const s: typeof mode = "f|"', 'f', ['fast']],
    ['in the middle of the text', 'const x = 1;\nmodel.f|\nconst y = 2', 'f', ['fit']],
    ['our own module', 'display.ht|', 'ht', ['html']],
  ])('%s', (_, marked, replaced, matches) => {
    expect(complete(marked)).toMatchObject({ replaced, matches });
  });

  test.each([
    'model.|',
    'mo|',
    'const r: Row = { | }',
    'm.la|',
    'new Mo|',
    '[1, 2].ma|',
    'for (const x of model.wei|',
    'fs.rea|',
    'let r: R|',
  ])('%s is the same beside the standing program and in one of its own', (marked) => {
    // A reference keeps the text from being looked at beside.
    const own = complete(`/// \n${marked}`);
    expect(complete(marked)).toEqual(own);
    expect(own.matches.length).toBeGreaterThan(0);
  });

  test('what was typed is seen at every key, also names that it declares itself', () => {
    for (const [typed, found] of [
      ['const own', []],
      ['const own = { a: 1 }; ow', ['own']],
      ['const own = { b: 1 }; own.', ['b']],
    ] as const)
      expect(complete(`${typed}|`).matches.slice(0, 1)).toEqual(found);
  });

  test('a word that the parser knows changes what is around it', () => {
    expect(complete('const x = mode|').matches).toContain('model');
    expect(complete('const x = typeof mode|').matches).toContain('model');
    expect(complete('const x = i|').matches).toContain('isNaN');
    expect(complete('const x = in|').matches).not.toContain('isNaN');
    expect(complete('model.f|it').replaced).toBe('f');
  });

  test('a name that was declared while a word was typed is found at its next key', () => {
    expect(complete('newl|').matches).toEqual([]);
    language.prepare({ source: 'const newlyMade = 1', execution: 50 });
    language.commit(50, Infinity);
    expect(complete('newly|').matches).toEqual(['newlyMade']);
  });

  test('a module that changes while a word of it is typed is read again at its next key', () => {
    writeFileSync(join(directory, 'typed.ts'), 'export const earlier = 1;');
    expect(complete('import * as typed from "./typed"; typed.ea|').matches).toEqual(['earlier']);
    writeFileSync(join(directory, 'typed.ts'), 'export const earlobe = 1;');
    utimesSync(join(directory, 'typed.ts'), 1, 1);
    expect(complete('import * as typed from "./typed"; typed.ear|').matches).toEqual(['earlobe']);
  });

  test('kinds are told', () => {
    expect(complete('model.|').types).toEqual(['method', 'property']);
    expect(complete('doub|').types).toEqual(['function']);
  });

  test('names of the notebook come before those of Node', () => {
    const { matches } = complete('m|');
    expect(matches.slice(0, 5)).toEqual(['m', 'mode', 'model', 'Model', 'module']);
    expect(matches).not.toContain('double');
  });

  test('nothing fits, or nothing is there', () => {
    expect(complete('model.zzz|').matches).toEqual([]);
    expect(complete('"just text |"').matches).toEqual([]);
    expect(language.complete('', 5)).toMatchObject({ start: 0, end: 0 });
  });
});

describe('inspection', () => {
  test('type and documentation, as text and as Markdown', () => {
    const found = language.inspect('double(2)', 3);
    expect(found?.plain).toBe('function double(n: number): number\n\nDoubles.\n\n@param n what to double');
    expect(found?.markdown).toBe(
      '```typescript\nfunction double(n: number): number\n```\n\nDoubles.\n\n*@param* n what to double',
    );
  });

  test.each([
    ['at the end of a name', 'model', 5, 'const model: {'],
    ['between the parentheses of a call', 'double()', 7, 'function double(n: number): number'],
    ['a member', 'model.fit(', 8, 'fit(rate: number): number'],
    ['below a magic line', '%%cluster\ndouble', 12, 'function double'],
    ['a type', 'let r: Row', 8, 'interface Row'],
  ])('%s', (_, source, offset, expected) => {
    expect(language.inspect(source, offset)?.plain).toContain(expected);
  });

  test('nothing is there', () => {
    expect(language.inspect('   ', 1)).toBeUndefined();
    expect(language.inspect('nope', 2)?.plain ?? 'any').toContain('any');
  });
});

describe('is it complete?', () => {
  test.each<[string, string, string | null]>([
    ['1 + 1', 'complete', null],
    ['', 'complete', null],
    ['function f() {\n  return 1\n}', 'complete', null],
    ['if (true) {', 'incomplete', '  '],
    ['  const o = {', 'incomplete', '    '],
    ['const f = (x) =>', 'incomplete', '  '],
    ['f(1,', 'incomplete', ''],
    ['[1, 2', 'incomplete', ''],
    ['x = `text', 'incomplete', ''],
    ['/* comment', 'incomplete', ''],
    ['1 +', 'incomplete', ''],
    ['const x =', 'incomplete', ''],
    ['o.', 'incomplete', ''],
    ['%%cluster --cores 2\nfor (;;) {', 'incomplete', '  '],
    ['%%cluster', 'complete', null],
    [')', 'invalid', null],
    ['let 1x = 2; let y = 3', 'invalid', null],
    ['f(]; 1', 'invalid', null],
    ['"open string', 'invalid', null],
    ['} else {\n}\n1', 'invalid', null],
  ])('%j is %s', (source, status, indent) => {
    expect(language.isComplete(source)).toEqual(indent === null ? { status } : { status, indent });
  });
});
