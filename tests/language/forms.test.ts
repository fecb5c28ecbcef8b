// Both texts of a cell mean the same: snippets of all sorts give equal values, equal output and equal errors in either form.
import { TestNotebook, type Form } from './cells';

const SNIPPETS = [
  'let n = 0; for (let i = 0; i < 10; i++) n += i; n',
  'let n = 0; for (const x of new Set([1, 2])) n += x; n',
  'let s = ""; for (const k in { a: 1, b: 2 }) s += k; s',
  'let n = 5; while (n-- > 2); n',
  'let n = 0; do n++; while (n < 4); n',
  'const f = (x: number): number => x <= 1 ? 1 : x * f(x - 1); f(6)',
  'const compose = (...fs: ((x: number) => number)[]) => (x: number) => fs.reduce((v, f) => f(v), x); compose((x) => x + 1, (x) => x * 2)(3)',
  'function* gen() { let i = 0; while (i < 3) yield i++ } [...gen()]',
  'async function* gen() { yield 1; await null; yield 2 } const out: number[] = []; for await (const x of gen()) out.push(x); out',
  'const later = async (x: number) => { await null; return x }; await Promise.all([1, 2].map(later))',
  'const later = async (x: number) => (await x) + 1; await later(3)',
  'const immediate = async () => 4; await immediate()',
  'await (async () => { try { await Promise.reject(new Error("no")) } catch (e) { return (e as Error).message } finally { await null } })()',
  'class A { x = 1; static s = A.name; get y() { return this.x } set y(v) { this.x = v } } const a = new A(); a.y = 5; [a.y, A.s]',
  'class A { constructor(public a: number) {} } class B extends A { constructor() { super(2); this.a++ } } new B().a',
  'class P { #v = 1; has(o: object) { return #v in o } static of() { return new P() } } [P.of().has(P.of()), P.of().has({})]',
  'abstract class Shape { abstract area(): number; toString() { return `${this.area()}` } } class Sq extends Shape { area() { return 4 } } `${new Sq()}`',
  'enum Color { Red, Green = "g" } [Color.Red, Color.Green, Color[0]]',
  'const enum Small { A = 3 } Small.A',
  'namespace N { export let v = 1; export const bump = () => ++v } [N.bump(), N.v]',
  'switch (3 as number) { case 1: "one"; break; default: { let local = 3; local++ } } "done"',
  'const { a, ...rest } = { a: 1, b: 2, c: 3 }; [a, rest]',
  'const [x, , y = 5, ...zs] = [1, 2, undefined, 4, 6]; [x, y, zs]',
  'function f({ a, b: [c] = [2] }: any = {}, ...rest: number[]) { return [a, c, rest] } f({ a: 1 }, 3)',
  'const o = { m() { return this.k }, k: 3, get g() { return this.k }, async am() {}, *gm() { yield 1 } }; [o.m(), o.g, [...o.gm()]]',
  'const tag = (s: TemplateStringsArray, ...vs: unknown[]) => [s.raw, vs]; tag`a${1}\\n${"b"}`',
  'let v: any = null; v ??= { n: 1 }; v.n ||= 2; v.n &&= 3; v?.n',
  'typeof undefinedName',
  'try { throw new TypeError("bad") } catch (e) { (e as Error).name } finally { }',
  'throw new RangeError("out")',
  'null.x',
  'const f = () => g(); const g = () => h; f(); let h = 1',
  'const c = 1; (c as any)++',
  'var a = 1; { var b = a + 1 } for (var i = 0; i < 2; i++) {} [a, b, i]',
  'label: for (const a of [1, 2]) { for (const b of [1, 2]) { if (b === 2) continue label; if (a === 2) break label } } "out"',
  'const fns: (() => number)[] = []; for (let i = 0; i < 3; i++) fns.push(() => i); fns.map((f) => f())',
  'let log: string[] = []; { using r = { [Symbol.dispose]() { log.push("inner") } }; log.push("body") } log',
  'using r = { [Symbol.dispose]() { throw new Error("while disposing") } }; 1',
  'await using r = { async [Symbol.asyncDispose]() { await null } }; throw new Error("with resources")',
  'const m = (x: number) => (y: number) => x + y; [1, 2].map(m(1))',
  'const memo = new Map<number, number>(); const fib = (n: number): number => memo.get(n) ?? (memo.set(n, n < 2 ? n : fib(n - 1) + fib(n - 2)), memo.get(n)!); fib(30)',
  '{ function inner() { return 2 } inner() }\n"blocks have their functions"',
  'function Old(this: any) { this.v = 1 } new (Old as any)().v',
  'const self = (function me(n: number): number { return n ? me(n - 1) : 7 })(3); self',
  '[..."abc"].map((ch, i) => ch.repeat(i)).join("")',
  '(() => { "use strict"; return this })()',
  'new (class { static #count = 0; static { this.#count = 2 } read() { return (this.constructor as any).peek?.() ?? "none" } })().read()',
  'const later = () => new Promise<number>((resolve) => setTimeout(() => resolve(1), 1)); (await later()) + (await later())',
];

async function behaviour(form: Form, snippet: string): Promise<string> {
  const notebook = new TestNotebook(form);
  try {
    const { value, hasValue, progress } = await notebook.outcome(snippet);
    return JSON.stringify({ value, hasValue, progress });
  } catch (error) {
    return String(error);
  }
}

test.each(SNIPPETS)('%s', async (snippet) => {
  const local = await behaviour('local', snippet);
  expect(await behaviour('shipped', snippet)).toBe(local);
  expect(local).not.toContain('SyntaxError');
});
