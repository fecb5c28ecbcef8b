// Corners of the language that a rewriting easily gets wrong, in both texts.
import { TestNotebook } from './cells';
test.each<[string, unknown]>([
  ['export const { a, b: [c] } = { a: 1, b: [2] }; a + c', 3],
  [
    'export namespace N { export let v = 1 } export enum E { A = 2 } export async function af() { return 1 } N.v + E.A',
    3,
  ],
  [
    'class C {} namespace C { export const k = 1 } function F() {} namespace F { export const q = 2 } (C as any).k + (F as any).q',
    3,
  ],
  ['label: var x = 1; x', 1],
  ['let f: any; f?.(); let g = () => 5; g?.()', 5],
  ['let \\u0061b = 4; ab', 4],
  ['function* g() { const x: number = yield 1; return x } const it = g(); it.next(); it.next(7).value', 7],
  ['let n = 0; do n++; while (n < 3)\nwhile (n < 6) if (n++ === 4) continue\nn', 6],
  ['export default async function dd() { return 2 } await dd()', 2],
  ['export default class Named { v = 3 } new Named().v', 3],
  ['enum E { A } enum E { B = 1 } [E.A, E.B].join()', '0,1'],
  [
    'class It { static *[Symbol.iterator]() { yield 1 } static async sa() {} get [Symbol.toStringTag]() { return "It" } } [...It].join() + Object.prototype.toString.call(new It())',
    '1[object It]',
  ],
  [
    'const o: any = { get a() { return 1 }, set a(v) {}, async b() {}, "c d": 2, 3: 4, [`e`]: 5 }; o.a + o["c d"] + o[3] + o.e',
    12,
  ],
  ['let s = 0; for (const [k, v] of Object.entries({ a: 1, b: 2 })) { s += v; } s', 3],
  ['let x = 1; { let x = 2; x++; } function f(x: number) { return x } f(5) + x', 6],
  ['let x = 1; const h = ({ x = 2 } = {} as any) => x; h() + x', 3],
  ['let a = 1, b = [a, a + 1]; const [p, q] = b; p + q', 3],
  ['const v = 1;\n[1].map((x) => x + v)[0]', 2],
  ['let i = 0; const arr = [1,2]; arr[i++] += 5; arr.join() + i', '6,21'],
  ['let a: any = { b: 1 }; delete a.b; "b" in a', false],
  ['try { (null as any)() } catch { 1 } finally { 2 }\n3', 3],
  ['const x = 5, y = x > 3 ? (() => x)() : 0; y', 5],
  ['var f = function fact(n: number): number { return n ? n * fact(n - 1) : 1 }; f(4)', 24],
  [
    'async function a1() { const xs = []; for (const x of [1,2]) xs.push(await Promise.resolve(x)); return xs } (await a1()).length',
    2,
  ],
  ['let k = "z"; const { [k]: zz = 9, ...r } = { y: 1 } as any; zz + r.y', 10],
  ['"use strict"; 4', 4],
  ['let c = 0; const inc = () => void c++; inc(); inc(); c', 2],
  ['(function () { return typeof arguments })()', 'object'],
  ['let u; u = u ?? (u = 3, u); u', 3],
  ['class A { static #c = 0; static make() { return ++A.#c } static { A.make() } } A.make()', 2],
  [
    'class B { x = this.m(); m() { return 4 } } class D extends B { constructor() { const z = 1; super(); this.x += z } } new D().x',
    5,
  ],
  ['class W extends (class { v = 2 }) { w = this.v + 1 } new W().w', 3],
  ['switch (1 as number) { case 1: var sw = 5 } sw', 5],
  ['let m = new Map([[1, 2]]); let t = 0; for (var [kk, vv] of m) t += kk + vv; t + kk', 4],
  ['let z = 0; for (z = 1; z < 3; z++); z', 3],
  ['if (true) var hh = 1, ii = 2; hh + ii', 3],
])('%s', async (cell, value) => {
  for (const form of ['local', 'shipped'] as const) expect(await new TestNotebook(form).run(cell)).toEqual(value);
});
