// How strictly cells are checked and what they become: by default, by the tsconfig.json over the notebook's folder, and by `%ts` in the notebook.
import { Folder } from './folder';

const folder = new Folder('study/notebooks');
const { language } = folder;
const problems = (source: string): string[] => folder.problems(source);
const run = (source: string): Promise<unknown> => folder.run(source);
const notices = (source: string): readonly string[] => folder.check(source).notices ?? [];
/** `path` is relative to the folder above the notebooks. */
const file = (path: string, text: string): void => {
  folder.write(`../${path}`, text);
};

beforeEach(() => {
  folder.delete('../tsconfig.json');
  language.configure({ checks: {} });
  folder.reset();
});
afterAll(() => {
  folder.remove();
});

function project(compilerOptions: Record<string, unknown>): void {
  file('tsconfig.json', JSON.stringify({ compilerOptions }));
}

describe('strict by default', () => {
  test.each<[string, string, string[]]>([
    ['a parameter without a type', 'function f(a, b = 1) { return a + b }', ['TS7006']],
    ['a pattern without a type', 'const g = ({ x }) => x', ['TS7031']],
    ['rest parameters without a type', 'const h = (...rest) => rest', ['TS7019']],
    ['a parameter whose type the context tells', '[1, 2].map((x, i) => x + i)', []],
    ['a key that is not declared', 'const o = { a: 1 }; const k: string = "a"; o[k]', ['TS7053']],
    ['null', 'const s: string = null', ['TS2322']],
    ['a property that is never set', 'class P { x: number }', ['TS2564']],
    ['what a catch catches', 'try { } catch (e) { e.message }', ['TS18046']],
    ['a variable that later cells fill', 'let later; let list = [];', []],
    [
      'a variable of a function that nothing types',
      'function f() { let x; const g = () => x; x = 1; return g }',
      ['TS7034', 'TS7005'],
    ],
  ])('%s', (_, source, expected) => {
    expect(problems(source)).toEqual(expected);
  });

  test('the advice says how to allow it', () => {
    const prepared = language.prepare({ source: 'const f = (x) => x', execution: 1 });
    expect(prepared.ok ? '' : prepared.problems[0]?.message).toMatch(/\n.*%ts noImplicitAny=false$/);
    const messages = (source: string): string[] => {
      const { problems } = { problems: [], ...language.prepare({ source, execution: 1 }) };
      return problems.map(({ message }: { message: string }) => message);
    };
    expect(messages('const f = (x, y) => x').map((message) => message.includes('%ts'))).toEqual([true, false]);
    expect(
      messages('import y from "@scope/one/deep"; import x from "two"').map((message) => message.split(': %npm ')[1]),
    ).toEqual(['install @scope/one', 'install two']);
    expect(messages('import x from "./three"')[0]).not.toContain('%npm');
  });
});

describe('%ts', () => {
  test('noImplicitAny=false allows parameters without types, and nothing else', () => {
    language.configure({ checks: { noImplicitAny: false } });
    expect(problems('const f = (x) => x')).toEqual([]);
    expect(problems('const s: string = null')).toEqual(['TS2322']);
  });

  test('strict=false is what tslab did', () => {
    language.configure({ checks: { strict: false } });
    expect(problems('const f = (x) => x; const s: string = null; class P { x: number }')).toEqual([]);
  });

  test('comes before the tsconfig.json, and strict means all of its family', () => {
    project({ noImplicitAny: true, noImplicitReturns: true });
    language.configure({ checks: { strict: false } });
    expect(problems('const f = (x) => x')).toEqual([]);
    expect(problems('function g(x: number) { if (x) return 1; }')).toEqual(['TS7030']);
  });

  test('shows what applies, and from where', () => {
    project({ noImplicitReturns: true });
    language.configure({ checks: { strictNullChecks: false } });
    const { checks, config, complaints } = language.checks();
    const of = (name: string): unknown => checks.find((check) => check.name === name);
    expect(of('strict')).toEqual({ name: 'strict', isOn: true, from: 'default' });
    expect(of('strictNullChecks')).toEqual({ name: 'strictNullChecks', isOn: false, from: 'notebook' });
    expect(of('noImplicitReturns')).toEqual({ name: 'noImplicitReturns', isOn: true, from: 'tsconfig' });
    expect([config, complaints]).toEqual(['../tsconfig.json', []]);
  });
});

describe('the tsconfig.json over the folder', () => {
  test('says how strict, from the next cell on whenever it changes', () => {
    expect(problems('const f = (x) => x')).toEqual(['TS7006']);
    project({ strict: false });
    expect(problems('const f = (x) => x')).toEqual([]);
    project({ strict: true, noUncheckedIndexedAccess: true });
    expect(problems('const f = (x) => x')).toEqual(['TS7006']);
    expect(problems('[1][0].toFixed()')).toEqual(['TS2532']);
    folder.delete('../tsconfig.json');
    expect(problems('[1][0].toFixed()')).toEqual([]);
  });

  test('may extend another one, which is watched as well', () => {
    file('base.json', '{ "compilerOptions": { "noImplicitOverride": true } }');
    file('tsconfig.json', '{ "extends": "./base.json" } // with a comment');
    const source = 'class A { m() {} } class B extends A { m() {} }';
    expect(problems(source)).toEqual(['TS4114']);
    file('base.json', '{ "compilerOptions": { "noImplicitOverride": false } }');
    expect(problems(source)).toEqual([]);
  });

  test('says the library and the types', () => {
    project({ lib: ['es2022', 'dom'] });
    expect(problems('document.title')).toEqual([]);
    expect(problems('[1].toSorted()')).toEqual(['TS2550']);
  });

  test('what has no meaning for cells is left out', () => {
    project({
      noUnusedLocals: true,
      outDir: 'x',
      module: 'commonjs',
      target: 'es5',
      isolatedModules: true,
      jsx: 'preserve',
    });
    expect(problems('const unused = 1; const b = 2n; await null; import fs from "node:fs"')).toEqual([]);
  });

  test('mistakes are told once, with their place, and the rest of it counts', () => {
    file('tsconfig.json', '{\n  "compilerOptions": {\n    "strct": true,\n    "noImplicitAny": false\n  }\n}');
    expect(notices('1')).toEqual([
      "../tsconfig.json:3:5 - TS5025: Unknown compiler option 'strct'. Did you mean 'strict'?",
    ]);
    expect(notices('2')).toEqual([]);
    expect(problems('const f = (x) => x')).toEqual([]);
    file('tsconfig.json', '{ "extends": "./gone.json" }');
    expect(notices('3')[0]).toMatch(/^\.\.\/tsconfig\.json.* - TS\d+: .*gone\.json/);
    file('tsconfig.json', '{ "compilerOptions": { "strict": "yes", } ');
    expect(notices('3').map((notice) => notice.split(' - ')[0])).toEqual(
      expect.arrayContaining([expect.stringMatching(/^\.\.\/tsconfig\.json:1:\d+$/)]) as string[],
    );
  });

  test('paths and baseUrl lead to local modules, in the check and at run time', async () => {
    file('src/one.ts', 'import { three } from "@deep/three"; export const one: number = three - 2;');
    file('src/deep/three.ts', 'export const three = 3;');
    project({ paths: { '@lib/*': ['./src/*'], '@deep/*': ['./src/deep/*'], '@exact': ['./src/one.ts'] } });
    expect(await run('import { one } from "@lib/one"; one + 1')).toBe(2);
    expect(await run('import { one as same } from "@exact"; same === one')).toBe(true);
    expect(await run('(await import("@deep/three")).three + require("@lib/one").one')).toBe(4);
    expect(problems('one.toUpperCase()')).toEqual(['TS2339']);
    project({ baseUrl: '.', paths: { '@deep/*': ['src/deep/*'] } });
    expect(await run('import { one as based } from "src/one"; based')).toBe(1);
    expect(await run('import { sep } from "node:path"; import os from "os"; typeof os.cpus + sep.length')).toBe(
      'function1',
    );
  });

  test('experimentalDecorators: the older decorators, with metadata where it is asked for', async () => {
    const legacy =
      'const seen: string[] = []; function note(target: object, key: string): void { seen.push(key) }\n' +
      'class D { @note field = 1; @note method(): void {} }\nseen.join()';
    await expect(run(legacy)).rejects.toThrow('decorator');
    project({ experimentalDecorators: true });
    expect(await run(legacy)).toBe('field,method');
    expect(
      await run(
        'const sealed = <T extends new (...args: any[]) => object>(c: T): T => class extends c { extra = 1 };\n@sealed class S {}\nnew S()',
      ),
    ).toEqual({ extra: 1 });
    file(
      'decorated.ts',
      'const d = (t: object, k: string) => { Reflect.set(t, "noted", k) }; export class L { @d x = 1 }',
    );
    expect(await run('import { L } from "../decorated"; Reflect.get(L.prototype, "noted")')).toBe('x');
    project({ experimentalDecorators: true, emitDecoratorMetadata: true });
    // The helpers of tslib look for it in the realm they were loaded in, which is this test's.
    const noted: string[] = [];
    const metadata = (key: string, value: { name: string }) => () => {
      if (key === 'design:type') noted.push(value.name);
    };
    Reflect.set(Reflect, 'metadata', metadata);
    await run(
      'function prop(target: object, key: string): void {}\nclass M { @prop n: number = 1; @prop s: string = "" }',
    );
    expect(noted).toEqual(['Number', 'String']);
  });

  test('jsx: the automatic runtime imports what it calls', async () => {
    file(
      'notebooks/node_modules/tiny-jsx/package.json',
      '{ "name": "tiny-jsx", "version": "1.0.0", "exports": { "./jsx-runtime": { "types": "./r.d.ts", "default": "./r.js" } } }',
    );
    file(
      'notebooks/node_modules/tiny-jsx/r.js',
      'exports.jsx = exports.jsxs = (tag, { children }) => `<${tag}>${[].concat(children).join("")}</${tag}>`; exports.Fragment = "frag";',
    );
    file(
      'notebooks/node_modules/tiny-jsx/r.d.ts',
      'export namespace JSX { interface IntrinsicElements { [name: string]: unknown } type Element = string }\n' +
        'export declare function jsx(tag: string, props: unknown): string; export declare const jsxs: typeof jsx; export declare const Fragment: string;',
    );
    project({ jsx: 'react-jsx', jsxImportSource: 'tiny-jsx' });
    expect(await run('const name = "x"; const el: string = <b>hi {name}</b>; el')).toBe('<b>hi x</b>');
    expect(await run('<><i>{name}</i></>')).toBe('<frag><i>x</i></frag>');
    file('view.tsx', 'export const view = <p>from a file</p>;');
    expect(await run('import { view } from "../view"; view')).toBe('<p>from a file</p>');
  });
});
