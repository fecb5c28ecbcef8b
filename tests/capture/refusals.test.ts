import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
    'const x = Proxy.revocable({}, {}); x.revoke(); const list = [x.proxy]',
    'list',
    'cannot ship list[0]: a Proxy; its target would be copied without its traps — ship the target',
  ],
  [
    'const f = new Proxy(() => 1, {})',
    'f()',
    'cannot ship f: a Proxy; its target would be copied without its traps — ship the target',
  ],
  [
    'const b = new Uint8Array(8), d = new DataView(b.buffer); structuredClone(b, { transfer: [b.buffer] })',
    'd; b',
    '2 values cannot be shipped:\ncannot ship b: an ArrayBuffer that was transferred away — copy it before it is transferred\ncannot ship d: an ArrayBuffer that was transferred away — copy it before it is transferred',
  ],
  ["const m = 'a'.matchAll(/a/g)", 'm', 'cannot ship m: it is a running iterator — collect it into an array'],
  [
    "const o = require('node:vm').runInNewContext('({ a: 1 })')",
    'o',
    'cannot ship o: an object of another context, whose Object is not the one of here — copy it: structuredClone',
  ],
  [
    "const [entry] = require('node:fs').readdirSync('/', { withFileTypes: true })",
    'entry',
    "cannot ship entry: Dirent of 'node:fs' hides state in [Symbol(type)] — teach how it travels: registerCodec(Dirent, { encode, decode })",
  ],
  [
    "const s = new (require('node:async_hooks').AsyncLocalStorage)()",
    's',
    'cannot ship s: AsyncLocalStorage belongs to this process — create it inside the cell',
  ],
  [
    'const f = new Response("x")',
    'f',
    'cannot ship f: Response has no state that can be read — create it inside the cell',
  ],
  [
    'function makeHandler() { const socket = new WeakMap(); return () => socket } const handler = makeHandler()',
    'handler()',
    'cannot ship handler⟨makeHandler⟩.socket: WeakMap cannot be read — use a Map or Set',
  ],
  [
    'class L extends RegExp { #s = 7 } const l = new L("a")',
    'l',
    'cannot ship l: its class extends a builtin and hides state in #s — keep that state in public fields',
  ],
  [
    'function* counter(n, step = () => n++) { yield step } const [f] = counter(1)',
    'f()',
    'cannot ship f: its variable `n` of counter changes after it was set, where nothing can follow — keep what it needs in an object or in a name of the notebook',
  ],
  [
    'function make() { let socket; socket = new WeakMap(); return { get: () => socket } } const handler = make()',
    'handler.get()',
    'cannot ship handler.get⟨make⟩.socket: WeakMap cannot be read — use a Map or Set',
  ],
  [
    'class A {} class B extends A { constructor() { const f = () => super(); f(); this.f = f } } const { f } = new B',
    'f()',
    'cannot ship f: an arrow function that uses `arguments`, `super()`, `new.target` or a hidden `this` of B — keep what it needs in a variable',
  ],
  [
    'class A { hi() { return 1 } } class B extends A { late() { return () => super.hi() } } const f = B.prototype.late.call({ other: true })',
    'f()',
    'cannot ship f: an arrow function that uses `super` of late, whose object cannot be told — make it a method of that object',
  ],
  [
    'const key = "c", P = { [key]: class { #n = 1; get = () => this.#n } }[key], p = new P',
    'p.get()',
    'cannot ship p.get: a function that uses private names of a class around it, which cannot be told — make it a method of that class, or give the class a name of its own',
  ],
  [
    'function* g() { yield 1; yield 2 } const it = g(); it.next()',
    'it',
    'cannot ship it: it is a running generator — collect it into an array',
  ],
  [
    "const x = { fn: new Intl.Collator('en').compare }",
    "x.fn('a', 'b')",
    'cannot ship x.fn: function is native code — import the module inside the cell',
  ],
  [
    "const s = require('node:net').createServer()",
    's',
    'cannot ship s: net.Server is an open connection of this process — open it inside the cell',
  ],
  [
    'const s = new ReadableStream()',
    's',
    'cannot ship s: ReadableStream belongs to this process — create it inside the cell',
  ],
  [
    "const { port1 } = new (require('node:worker_threads').MessageChannel)(); port1.close()",
    'port1',
    'cannot ship port1: MessagePort belongs to this process — create it inside the cell',
  ],
  [
    "const fh = await require('node:fs/promises').open('/dev/null'); await fh.close()",
    'fh',
    'cannot ship fh: FileHandle belongs to this process — create it inside the cell',
  ],
  [
    'const w = [new WeakRef({}), new FinalizationRegistry(() => {})]',
    'w',
    '2 values cannot be shipped:\ncannot ship w[0]: WeakRef cannot be read — use a Map or Set\ncannot ship w[1]: FinalizationRegistry cannot be read — use a Map or Set',
  ],
  [
    'const f = ((n) => () => eval("n++"))(1)',
    'f()',
    'cannot ship f: direct eval hides what the function needs — name what it needs outside of the text',
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
];

test('a value that is marked local is refused, and one that hangs on something else tells how to get around it', async () => {
  await notebook.run(
    "import { local } from 'cellburst'; const key = local({ secret: 1 }); const model = { key, size: 3 }",
  );
  expect(await notebook.refusal('key')).toBe('cannot ship key: marked local — remove `local` where it is made');
  expect(await notebook.refusal('model.size')).toBe(
    'cannot ship model.key: marked local — remove `local` where it is made, or take what the cell needs out of `model` before it',
  );
  expect(await notebook.refusal('model.key')).toBe(
    'cannot ship model.key: marked local — remove `local` where it is made',
  );
  await expect(notebook.run('local(5)')).rejects.toThrow('local() marks objects and functions, not number values.');
});

test.each(REFUSED)('%s ;; %s', async (setup, cell, message) => {
  await notebook.run(setup);
  expect(await notebook.refusal(cell)).toBe(message);
});

test('a class of a package that keeps its state in a WeakMap of its module is refused', async () => {
  const folder = join(notebook.directory, 'node_modules', 'vault');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'index.js'),
    'const secrets = new WeakMap(); class Vault { constructor(s) { secrets.set(this, s) } open() { return secrets.get(this) } } exports.Vault = Vault;',
  );
  await notebook.run(
    "import { Vault } from 'vault'; const v = { at: new Vault(7) }, empty = Object.create(Vault.prototype)",
  );
  expect(await notebook.refusal('v')).toBe(
    "cannot ship v.at: Vault of 'vault' hides state in a WeakMap or WeakSet of its module — teach how it travels: registerCodec(Vault, { encode, decode })",
  );
  expect(await notebook.value('empty.open()')).toBe(undefined);
});

test('no trap of a Proxy runs while one is refused', async () => {
  await notebook.run(
    'let traps = 0; const handler = new Proxy({}, { get() { return () => { traps++; return null } } }); const list = [new Proxy({}, handler), new Proxy([], handler), new Proxy(function () {}, handler)]',
  );
  expect(await notebook.refusal('list')).toMatch(/^3 values/);
  expect(await notebook.run('traps')).toBe(0);
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
