import { Notebook } from './notebook';

let notebook: Notebook;
beforeEach(() => {
  notebook = new Notebook();
});
afterEach(() => {
  notebook.close();
});

const REFUSED: readonly (readonly [setup: string, cell: string, message: string])[] = [
  [
    "const net = require('node:net'); const model = { layers: [1, { handle: new net.Socket() }] }",
    'model',
    'cannot ship model.layers[1].handle: net.Socket is an open connection of this process — open it inside the cell',
  ],
  [
    "const { Readable } = require('node:stream'); const r = Readable.from([])",
    'r',
    'cannot ship r: Readable belongs to this process — create it inside the cell',
  ],
  [
    'const t = setTimeout(() => {}, 1); clearTimeout(t)',
    't',
    'cannot ship t: Timeout belongs to this process — create it inside the cell',
  ],
  ['const p = new Promise(() => {})', 'p', 'cannot ship p: a Promise that is still pending — await it first'],
  [
    'const x = new Proxy({}, {})',
    'x',
    'cannot ship x: a Proxy; its target would be copied without its traps — ship the target',
  ],
  [
    'const f = new Intl.NumberFormat("en")',
    'f',
    'cannot ship f: NumberFormat has no state that can be read — create it inside the cell',
  ],
  [
    'function makeHandler() { const socket = new WeakMap(); return () => socket } const handler = makeHandler()',
    'handler()',
    'cannot ship handler⟨makeHandler⟩.socket: WeakMap cannot be read — use a Map or Set',
  ],
  [
    'class L extends Array { #s = 7 } const l = new L',
    'l',
    'cannot ship l: its class extends a builtin and hides state in #s — keep that state in public fields',
  ],
  [
    'function counter(step = () => n, n = 0) { n++; return step } const f = counter()',
    'f()',
    'cannot ship f: its variable `n` of counter changes after it was set, where nothing can follow — keep what it needs in an object or in a name of the notebook',
  ],
  [
    'function make() { let socket; socket = new WeakMap(); return { get: () => socket } } const handler = make()',
    'handler.get()',
    'cannot ship handler.get⟨make⟩.socket: WeakMap cannot be read — use a Map or Set',
  ],
  [
    'function all() { return () => arguments.length } const f = all(1)',
    'f()',
    'cannot ship f: an arrow function that uses `arguments`, `super`, `new.target` or a hidden `this` of all — keep what it needs in a variable',
  ],
  [
    'class P { #n = 1; get = () => this.#n } const p = new P',
    'p.get()',
    'cannot ship p.get: a function that uses private names of a class around it — make it a method of that class',
  ],
  [
    'const b = Math.max.bind(new WeakMap(), 1)',
    'b',
    'cannot ship b⟨bound⟩.this: WeakMap cannot be read — use a Map or Set',
  ],
  [
    'function f() { return g } const g = { deep: new WeakSet() }',
    'f()',
    'cannot ship g.deep: WeakSet cannot be read — use a Map or Set',
  ],
  [
    'const o = { m() { return super.x } }; const m = o.m',
    'm',
    'cannot ship m: a method that uses super, apart from its object — ship the object it belongs to',
  ],
];

test.each(REFUSED)('%s ;; %s', async (setup, cell, message) => {
  await notebook.run(setup);
  expect(await notebook.refusal(cell)).toBe(message);
});

test('all refusals of a capture are told at once', async () => {
  await notebook.run('const a = new WeakMap(), b = { c: new WeakSet() }');
  expect(await notebook.refusal('[a, b]')).toBe(
    '2 values cannot be shipped:\ncannot ship a: WeakMap cannot be read — use a Map or Set\ncannot ship b.c: WeakSet cannot be read — use a Map or Set',
  );
});

test('a shadowed name is not captured and never refused', async () => {
  await notebook.run('const a = new WeakMap()');
  expect(await notebook.value('((a) => a + 1)(2)')).toBe('3');
});

test('a large array that is not used is not sent', async () => {
  await notebook.run('const big = new Array(1e6).fill(1.5)');
  expect((await notebook.cluster('1 + 1')).capture.bytes).toBeLessThan(10_000);
});

test('a declared value that cannot come back says so when it is used', async () => {
  expect(await notebook.value('const weak = new WeakMap(); const n = 5; n')).toBe('5');
  expect(await notebook.run('n')).toBe(5);
  await expect(notebook.run('weak.has({})')).rejects.toThrow(
    /`weak` stayed with the job that made it: cannot ship weak: WeakMap/,
  );
});

test('a result that cannot come back is an error, and the names come back', async () => {
  await expect(notebook.value('const n = 6; new WeakMap()')).rejects.toThrow(
    'CaptureError: cannot ship the result: WeakMap cannot be read',
  );
  expect(await notebook.run('n')).toBe(6);
});
