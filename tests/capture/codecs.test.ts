// Objects of classes that hide their state travel by codecs that the notebook registers. The package is a small one of the tests' own; real ones are in
// packages.test.ts.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInThisContext } from 'node:vm';
import { decodeGraph, encodeGraph } from '../../magics/protocol/graph';
import { memoryBlobs } from '../../magics/protocol/graph-blobs';
import { Builder } from '../../magics/realm/building';
import { encodeHooks } from '../realm/hooks';
import { captureCell, settleCell } from '../../magics/capture';
import { Realm } from '../../magics/realm';
import { Notebook, runCell } from './notebook';

let notebook: Notebook;
beforeEach(async () => {
  notebook = new Notebook();
  const folder = join(notebook.directory, 'node_modules', 'vault');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'index.js'),
    `class Vault { #held; constructor(held) { this.#held = held } get held() { return this.#held } put(held) { this.#held = held; return this } }
     class Room { #door = 1; constructor(vault) { this.vault = vault } }
     exports.Vault = Vault; exports.Room = Room; exports.fill = (held) => new Vault(held);`,
  );
  await notebook.run("import { Vault, Room, fill } from 'vault'; import { registerCodec } from 'cellburst'");
});
afterEach(() => {
  notebook.close();
});

const CODEC = 'registerCodec(Vault, { encode: (v) => v.held, decode: (held) => new Vault(held) })';
const UPDATING =
  'registerCodec(Vault, { encode: (v) => ({ held: v.held }), decode: ({ held }) => new Vault(held), update(v, { held }) { v.put(held) } })';

test('without a codec an object that hides state is refused, and the refusal says what to do', async () => {
  await notebook.run('const model = { parts: [new Vault(1)] }');
  expect(await notebook.refusal('model')).toBe(
    "cannot ship model.parts[0]: Vault of 'vault' hides state in #held — teach how it travels: registerCodec(Vault, { encode, decode })",
  );
});

test('with one it goes there and comes back as the very object', async () => {
  await notebook.run(CODEC);
  await notebook.run('const v = new Vault(7), list = [v, { v }, new Map([[v, v]])]');
  const seen = 'const { registered } = { registered: list[0] === v && list[1].v === v && list[2].get(v) === v }';
  expect(await notebook.value(`${seen}; [v.held, v instanceof Vault, registered].join()`)).toBe("'7,true,true'");
  expect(await notebook.run('list[0] === v && [...list[2].keys()][0] === v && v.held')).toBe(7);
});

test('objects made there arrive: as the result, in a name, in a captured object', async () => {
  await notebook.run(CODEC);
  await notebook.run('const box = { at: null }');
  await notebook.cluster('const made = fill("there"); box.at = made; box.also = [made, fill(2)]; made');
  expect(
    await notebook.run(
      '[made instanceof Vault, made.held, box.at === made, box.also[0] === made, box.also[1].held].join()',
    ),
  ).toBe('true,there,true,true,2');
});

test('an object that the cell changed is changed in place by update', async () => {
  await notebook.run(UPDATING);
  await notebook.run('const inner = { n: 1 }, v = new Vault(inner), other = new Vault(5), same = v');
  const { report } = await notebook.cluster('v.held.n = 2; v.put({ was: v.held }); other.held');
  expect(report.changed).toEqual(['v']);
  expect(await notebook.run('same === v && v.held.was === inner && inner.n')).toBe(2);
});

test('without update such a change is an error that says so, and nothing is half applied', async () => {
  await notebook.run(CODEC);
  await notebook.run('const o = { v: new Vault(1) }; let n = 0');
  await expect(notebook.value('o.x = 1; o.v.put(2); n = 1; n')).rejects.toThrow(
    'CaptureError: cannot ship o.v: the cell changed it, and the codec of Vault cannot change the one of the notebook — give registerCodec(Vault, …) an update(object, payload), or make a new Vault in the cell',
  );
  expect(await notebook.run('[o.v.held, "x" in o].join()')).toBe('1,false');
});

test('a change here meanwhile is a conflict', async () => {
  await notebook.run(UPDATING);
  await notebook.run('const v = new Vault(1)');
  const { report } = await notebook.cluster('v.put(2); 0', { meanwhile: () => notebook.run('v.put(3)') });
  expect(report.conflicts).toEqual(['v']);
  expect(await notebook.run('v.held')).toBe(3);
});

test('what an object holds travels with it: other such objects, shared ones, chains of a thousand', async () => {
  await notebook.run(CODEC);
  await notebook.run(
    'const shared = { n: 1 }; const a = new Vault([shared]), b = new Vault({ a, shared }); let chain = null; for (let i = 0; i < 1000; i++) chain = new Vault(chain)',
  );
  const depth = 'let depth = 0; for (let at = chain; at; at = at.held) depth++';
  expect(
    await notebook.value(`${depth}; [b.held.a === a, a.held[0] === b.held.shared, ++shared.n, depth].join()`),
  ).toBe("'true,true,2,1000'");
  expect(await notebook.run('a.held[0] === shared && shared.n')).toBe(2);
});

test('an object that holds itself is refused before anything is sent', async () => {
  await notebook.run(CODEC);
  await notebook.run(
    'const v = new Vault(null); v.put({ back: [v] }); const w = new Vault(null), x = new Vault(w); w.put(x)',
  );
  expect(await notebook.refusal('v; w')).toBe(
    '2 values cannot be shipped:\ncannot ship v: what its codec makes of it leads back to the object itself — leave that out in encode, and put it back in after the cell\ncannot ship w: what its codec makes of it leads back to the object itself — leave that out in encode, and put it back in after the cell',
  );
});

test('a function bound to such an object is refused', async () => {
  await notebook.run(CODEC);
  await notebook.run('const v = new Vault(1), f = function () { return this.held }.bind(v), g = () => v.held');
  expect(await notebook.refusal('f')).toBe(
    'cannot ship f: it is bound to, or inherits from, an object that travels by a codec — use an arrow function, or keep that object in a property',
  );
  expect(await notebook.value('g()')).toBe('1');
});

test('a codec uses names, functions and constants of the notebook, and objects of another codec', async () => {
  await notebook.run(CODEC);
  await notebook.run(
    'const UNIT = new Vault("cm"), factor = 100; function pack(r) { return { cm: r.vault * factor, unit: UNIT } } class Scale { static of(p) { return p.cm / factor } } registerCodec(Room, { encode: pack, decode: (p) => new Room(p.unit.held === "cm" ? Scale.of(p) : NaN) })',
  );
  await notebook.run('const room = new Room(3)');
  expect(await notebook.value('const second = new Room(room.vault + 1); room.vault')).toBe('3');
  expect(await notebook.run('second instanceof Room && second.vault')).toBe(4);
});

test('errors of a codec name the object and the codec', async () => {
  await notebook.run(
    'registerCodec(Vault, { encode() { throw new RangeError("too full") }, decode: () => new Vault(1) })',
  );
  await notebook.run('const o = { v: new Vault(1) }');
  expect(await notebook.refusal('o')).toBe(
    'cannot ship o.v: encode of the codec of Vault threw RangeError: too full — mend what registerCodec(Vault, …) was given',
  );
  await notebook.run('registerCodec(Vault, { encode: async () => 1, decode: () => new Vault(1) })');
  expect(await notebook.refusal('o')).toMatch(/encode of the codec of Vault gave a Promise; codecs cannot wait/);
  await notebook.run('registerCodec(Vault, { encode: () => 1, decode: () => { throw new Error("no key") } })');
  await expect(notebook.value('o.v.held')).rejects.toThrow(
    'CaptureError: cannot ship o.v: decode of the codec of Vault threw Error: no key — mend what registerCodec(Vault, …) was given',
  );
  await notebook.run('registerCodec(Vault, { encode: () => 1, decode: () => ({}) })');
  await expect(notebook.value('o.v.held')).rejects.toThrow(
    /^CaptureError: cannot ship o\.v: decode of the codec of Vault gave a Object, and a Vault was encoded/,
  );
  // The job did not fail: the cell ended with an error, and the notebook is as it was.
  expect(await notebook.run('o.v.held')).toBe(1);
});

test('a result whose decode fails at home can be brought home once the codec is mended', async () => {
  await notebook.run(
    'let broken = false; registerCodec(Vault, { encode: (v) => v.held, decode: (h) => { if (broken) throw new Error("no"); return new Vault(h) } })',
  );
  await expect(
    notebook.cluster('const late = new Vault(9); 0', { meanwhile: () => notebook.run('broken = true') }),
  ).rejects.toThrow(/decode of the codec of Vault threw Error: no/);
  expect(notebook.realm.has('late')).toBe(false);
});

test('a job that another kernel brings home has its codecs with it', async () => {
  await notebook.run('const factor = 2; const box = { v: new Vault(3) }');
  await notebook.run('registerCodec(Vault, { encode: (v) => v.held * factor, decode: (n) => new Vault(n / factor) })');
  const code = notebook.lower('%%cluster\nconst made = new Vault(box.v.held + 1); box.v.held');
  const directory = notebook.newJob();
  await captureCell(notebook.realm, { cell: code, bundlePath: join(directory, 'bundle.bin') });
  await runCell(directory);
  // Its own process would know no names.
  for (const name of ['factor', 'box', 'Vault']) notebook.realm.bind(name, undefined);
  const other = new Realm({
    directory: notebook.directory,
    text: 'local',
    virtualModules: { cellburst: { registerCodec: () => undefined } },
  });
  const { outcome } = await settleCell(other, { directory, atomic: false, where: 'elsewhere' });
  expect(outcome).toMatchObject({ ok: true, display: { data: { 'text/plain': '3' } } });
  const held = (value: unknown): unknown => Reflect.get(value as object, 'held');
  expect([held(other.get('made')), held(Reflect.get(other.get('box') as object, 'v'))]).toEqual([4, 3]);
});

test('Blobs go through pmap as well', async () => {
  await notebook.run("import { pmap } from 'cellburst'");
  await notebook.run(
    "const texts = await pmap([new Blob(['a']), new Blob(['b'])], async (blob) => new Blob([await blob.text(), '!']))",
  );
  expect(await notebook.run('(await texts[0].text()) + (await texts[1].text())')).toBe('a!b!');
});

test('objects of subclasses are refused, or made by a codec that takes them', async () => {
  await notebook.run(CODEC);
  await notebook.run(
    'class Safe extends Vault { get size() { return String(this.held).length } } const s = new Safe("abc")',
  );
  expect(await notebook.refusal('s')).toBe(
    'cannot ship s: Safe extends Vault, and the codec of Vault makes no objects of subclasses — registerCodec(Safe, …), or add subclasses: true and make them in decode(payload, type)',
  );
  await notebook.run(
    'registerCodec(Vault, { encode: (v) => v.held, decode: (held, type) => new type(held), subclasses: true })',
  );
  expect(await notebook.value('const t = new Safe("four"); s.size + Number(s instanceof Safe)')).toBe('4');
  expect(await notebook.run('t instanceof Safe && t.size')).toBe(4);
});

test('a class of a cell and a class of a local module have codecs as well', async () => {
  writeFileSync(
    join(notebook.directory, 'lib.ts'),
    "import { registerCodec } from 'cellburst';\nexport class Tape { #text: string; constructor(text: string) { this.#text = text; } get text(): string { return this.#text; } }\nregisterCodec(Tape, { encode: (tape) => tape.text, decode: (text) => new Tape(text) });\n",
  );
  await notebook.run("import { Tape } from './lib'; const tape = new Tape('x')");
  await notebook.run(
    'class Cm { constructor(n) { this.meters = n / 100 } } registerCodec(Cm, { encode: (c) => c.meters * 100, decode: (n) => new Cm(n) }); const cm = new Cm(5)',
  );
  expect(await notebook.value('const two = new Tape(tape.text + 2), three = new Cm(cm.meters * 200); tape.text')).toBe(
    "'x'",
  );
  expect(await notebook.run('two instanceof Tape && three instanceof Cm && two.text + three.meters')).toBe('x20.1');
});

test('a codec that is registered there counts there; to come home it has to be registered here', async () => {
  await expect(
    notebook.value(`${CODEC.replace('registerCodec', '(await import("cellburst")).registerCodec')}; new Vault(1)`),
  ).rejects.toThrow(/the codec of Vault was registered in the cluster cell — register it in a cell that runs here/);
});

test('a reply cannot bring a codec of its own', () => {
  const evil = runInThisContext(
    '({ type: class {}, codec: { encode() {}, decode() { globalThis.wasRun = true; return {} } } })',
  ) as object;
  const value = runInThisContext('new (class Thing {})()') as object;
  const { graph } = encodeGraph({
    roots: [value],
    rootNames: ['v'],
    hooks: {
      ...encodeHooks,
      codedBy: (object) => (object === value ? { codec: Array, payload: 1 } : undefined),
      pathOf: (object) =>
        object === Array ? '#.Array' : typeof object === 'function' || object !== value ? '#.Map' : undefined,
    },
  });
  const hooks = new Builder(notebook.realm, { takesSource: false });
  expect(() => decodeGraph({ graph: { ...graph, blobs: memoryBlobs([]) }, hooks })).toThrow(
    'A reply names a codec that this notebook does not have.',
  );
  expect(() => hooks.decodeBy(evil, 1, {})).toThrow('A reply names a codec that this notebook does not have.');
  expect(Reflect.get(runInThisContext('globalThis') as object, 'wasRun')).toBeUndefined();
});

test('mistakes in registerCodec are told in sentences', async () => {
  await expect(notebook.run('registerCodec("Vault", {})')).rejects.toThrow(
    'registerCodec(Class, { encode, decode }): its first argument is the class whose objects it is about.',
  );
  await expect(notebook.run('registerCodec(Vault, { encode: (v) => v })')).rejects.toThrow('has no function decode');
  await expect(notebook.run('registerCodec(Map, { encode: (v) => v, decode: (v) => v })')).rejects.toThrow(
    'Map travels as it is',
  );
});
