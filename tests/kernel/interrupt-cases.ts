// Kinds of cells that keep a process busy, each in its own way.
export interface InterruptCase {
  readonly name: string;
  readonly code: string;
  /** Stopped by termination, not by a check: the library's code has none. */
  readonly inLibrary?: boolean;
}

const SPIN = 'while (true) { count++; }';

/** Notebook names the cases use. `new Function` makes code without interrupt checks: what a package would have. */
export const SETUP = `
import { AsyncLocalStorage } from 'node:async_hooks';
let count = 0;
let turn = -1;
const born = process.pid;
const kept = new Map([['a', 1]]);
const storage = new AsyncLocalStorage<object>();
const library: { spin(): void; spinLater(): Promise<void> } = new Function(
  'return { spin() { while (true) Math.random(); }, async spinLater() { await null; while (true) Math.random(); } }',
)();`;

export const CASES: readonly InterruptCase[] = [
  { name: 'a synchronous loop', code: SPIN },
  { name: 'a loop after an await', code: `await null; ${SPIN}` },
  { name: 'a loop after a timer', code: `await new Promise((r) => setTimeout(r, 5)); ${SPIN}` },
  { name: 'a loop in a timer', code: `await new Promise(() => { setTimeout(() => { ${SPIN} }, 5); });` },
  { name: 'a loop in an immediate', code: `await new Promise(() => { setImmediate(() => { ${SPIN} }); });` },
  { name: 'a loop in an interval', code: `await new Promise(() => { setInterval(() => { ${SPIN} }, 5); });` },
  {
    name: 'a chain of timers',
    code: `for (;;) { await new Promise((r) => setTimeout(r, 1)); }`,
  },
  { name: 'a promise that never settles', code: `await new Promise(() => {});` },
  {
    name: 'AsyncLocalStorage, after an await',
    code: `await storage.run({}, async () => { await null; ${SPIN} });`,
  },
  {
    name: 'AsyncLocalStorage, in a timer',
    code: `await storage.run({}, async () => { await new Promise(() => { setTimeout(() => { ${SPIN} }, 5); }); });`,
  },
  { name: 'AsyncLocalStorage, synchronous', code: `storage.run({}, () => { ${SPIN} });` },
  {
    name: 'AsyncLocalStorage, used elsewhere before',
    code: `storage.run({}, () => {}); await null; ${SPIN}`,
  },
  {
    name: 'a loop of JSON',
    code: `await null; const many = Array.from({ length: 1e5 }, (_, i) => ({ i })); while (true) { JSON.stringify(many); }`,
  },
  {
    name: 'recursion',
    code: `const fib = (n: number): number => { return n < 2 ? n : fib(n - 1) + fib(n - 2); }; await null; fib(60);`,
  },
  { name: 'a loop that catches everything', code: `for (;;) { try { await null; ${SPIN} } catch {} }` },
  { name: 'library code', code: `library.spin();`, inLibrary: true },
  { name: 'library code after an await', code: `await library.spinLater();`, inLibrary: true },
  {
    name: 'library code in a timer',
    code: `await new Promise(() => { setTimeout(() => library.spin(), 5); });`,
    inLibrary: true,
  },
  {
    name: 'library code in AsyncLocalStorage',
    code: `await storage.run({}, async () => { await null; library.spin(); });`,
    inLibrary: true,
  },
  {
    name: 'a regular expression without end',
    code: `await null; /^(a+)+$/.test('a'.repeat(40) + 'b');`,
    inLibrary: true,
  },
];
