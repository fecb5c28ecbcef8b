// Packages and the library are read without their documentation; what is shown of them must be what a reading with it shows.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CellChecker } from '../../language/checking/checker';
import { checkOptions } from '../../language/checking/options';
import { ts } from '../../language/compiler';

const directory = mkdtempSync(join(tmpdir(), 'cellburst-documentation-'));
const packages = join(directory, 'node_modules', 'documented');
const TYPES = `/** Of the file. */

/** Of a constant, see {@link Base}. */
export const constant: number;
/** @deprecated use \`constant\` */
export const old: number, older: string;
/**
 * Adds.
 * @param a the first
 * @param b the second
 * @returns the sum
 * @example
 * add(1, 2)
 */
export function add(a: number, b: number): number;
/** Adds words. @deprecated rather not */
export function add(a: string, b: string): string;
export interface Base {
  /** Inherited words. */
  inherited(): void;
  /** A property. @default 3 */
  readonly size?: number;
  /** @deprecated gone soon */
  gone: string;
  /** Calls. */
  (x: number): void;
}
/** A class. */
export class Derived implements Base {
  /** Makes one. @param size how large */
  constructor(size: number);
  inherited(): void;
  /** Gets. */
  get level(): number;
  /** Sets. */
  set level(value: number);
  readonly size: number;
  gone: string;
  /** Shared. */
  static shared: number;
}
/** Choices. */
export enum Choice {
  /** The first one. */
  One,
}
export namespace Outer.Inner {
  /** Deep. @since 1.0 */
  export type Deep = { /** Of a member. */ member: number };
}
export const options: (o: { /** How wide. */ width?: number }) => void;
`;
let checker: CellChecker;
let plain: ReturnType<typeof plainService>;

beforeAll(() => {
  mkdirSync(packages, { recursive: true });
  writeFileSync(join(packages, 'package.json'), '{ "name": "documented", "version": "1.0.0", "types": "index.d.ts" }');
  writeFileSync(join(packages, 'index.d.ts'), TYPES);
  checker = new CellChecker(directory, () => false);
  plain = plainService();
});
afterAll(() => {
  checker.service.dispose();
  plain.service.dispose();
  rmSync(directory, { recursive: true });
});

/** The compiler as it comes, over a text that can be replaced. */
function plainService(): { show(text: string): void; readonly service: ts.LanguageService; readonly fileName: string } {
  const fileName = join(directory, 'plain.ts');
  const options = checkOptions({ directory, project: { options: {}, complaints: [] }, checks: {} });
  let shown = '';
  let version = 0;
  const read = (name: string): string | undefined => (name === fileName ? shown : ts.sys.readFile(name));
  const service = ts.createLanguageService({
    getScriptFileNames: () => [fileName],
    getScriptVersion: (name) => (name === fileName ? String(version) : '1'),
    getScriptSnapshot: (name) => {
      const found = read(name);
      return found === undefined ? undefined : ts.ScriptSnapshot.fromString(found);
    },
    getCompilationSettings: () => options,
    getCurrentDirectory: () => directory,
    getDefaultLibFileName: (settings) => ts.getDefaultLibFilePath(settings),
    fileExists: (name) => name === fileName || ts.sys.fileExists(name),
    readFile: read,
    directoryExists: (name) => ts.sys.directoryExists(name),
    getDirectories: (name) => ts.sys.getDirectories(name),
    realpath: (name) => ts.sys.realpath?.(name) ?? name,
  });
  const show = (text: string): void => {
    shown = text;
    version += 1;
  };
  return { service, fileName, show };
}

const SOURCE = `import * as d from 'documented';
import { Derived, add, Choice, options, old } from 'documented';
import fs from 'node:fs';
const made = new Derived(1);
made.inherited; made.level; made.level = 1; made.size; made.gone; Derived.shared;
add(1, 2); add('1', '2'); d.constant; old; d.older; Choice.One; options({ width: 1 });
let base: d.Base = undefined!; base.inherited; base.size; base.gone; base(1);
let deep: d.Outer.Inner.Deep = { member: 1 }; deep.member;
[1].map(String); 'x'.substr(1); 'x'.trim(); parseInt('1'); Math.max(1); new Map([[1, 2]]).get(1); Promise.all([]);
fs.readFileSync('x', { encoding: 'utf8' }); fs.exists; Buffer.from('x'); setTimeout(() => {}, 1); process.cwd(); new URL('x').href;
`;

test('what is shown of a name is what a reading with documentation shows', () => {
  plain.show(SOURCE);
  checker.show(SOURCE, '.ts');
  let documented = 0;
  for (const { index } of SOURCE.matchAll(/[A-Za-z]\w*/g)) {
    const expected = plain.service.getQuickInfoAtPosition(plain.fileName, index);
    const { documentation, tags, displayParts } = checker.service.getQuickInfoAtPosition(checker.fileName, index) ?? {};
    if (expected?.documentation?.length) documented += 1;
    const where = SOURCE.slice(index, index + 20);
    expect({ where, tags, documentation, displayParts }).toEqual({
      where,
      tags: expected?.tags,
      documentation: expected?.documentation,
      displayParts: expected?.displayParts,
    });
  }
  expect(documented).toBeGreaterThan(30);
});

test.each(['made.', "'x'.", 'fs.', '', 'd.', 'base.'])(
  'completion of `%s` gives what is deprecated its place',
  (end) => {
    const text = `${SOURCE}\n${end}`;
    plain.show(text);
    checker.show(text, '.ts');
    const places = (from: ts.LanguageService, name: string): string[] | undefined =>
      from
        .getCompletionsAtPosition(name, text.length, undefined)
        ?.entries.map((entry) => `${entry.sortText} ${entry.name} ${entry.kindModifiers ?? ''}`)
        .sort();
    // Cells have a few names more, which are ours.
    expect(places(checker.service, checker.fileName)).toEqual(
      expect.arrayContaining(places(plain.service, plain.fileName) ?? ['nothing']) as string[],
    );
  },
);
