// `%%cluster` cells through a real Jupyter server: they run elsewhere, and come back as if they had run here.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorOf, shownText, succeed, useNotebook, valueOf } from './open';

const opened = useNotebook();

test('a cluster cell runs in another process and in another directory', async () => {
  const here = 'JSON.stringify({ pid: process.pid, parent: process.ppid, directory: process.cwd() })';
  const home = parsePlace(await valueOf(opened.notebook, here));
  const there = parsePlace(await valueOf(opened.notebook, `%%cluster\n${here}`));
  expect(there.pid).not.toBe(home.pid);
  expect(there.pid).not.toBe(home.parent);
  expect(there.parent).not.toBe(home.pid);
  expect(there.directory).not.toBe(home.directory);
  expect(there.directory.startsWith(opened.server.stateDirectory)).toBe(true);
});

// prettier-ignore
const EXPRESSIONS: readonly string[] = [
  '42', '-0', 'NaN', '"text \\u{1F600} \\uD800"', '10n ** 30n', '[undefined]', 'null', 'Symbol.iterator', 'Symbol.for("shared")',
  '[1, , 3]', '({ a: { b: [true, null] } })', 'new Date(0)', 'new Date(NaN)', 'new Map([["a", new Set([1, 2])]])', '/a+/gi', 'new URL("https://example.org/a?b=1")',
  'new Float64Array([0.1, -0, NaN])', 'new Uint8Array([1, 2, 3]).subarray(1)', 'Buffer.from("bytes")', 'new ArrayBuffer(4)', 'Object.create(null)',
  'new RangeError("stays an error").message', 'Math.max', 'Promise',
  '(() => { const loop: Record<string, unknown> = {}; loop["self"] = loop; return loop; })()',
  '(() => { const one = {}; return [one, one].map((each, _i, all) => each === all[0]); })()',
];

test.each(EXPRESSIONS)('%s is the same there and here', async (expression) => {
  const there = await valueOf(opened.notebook, `%%cluster\n(${expression})`);
  expect(there).toBe(await valueOf(opened.notebook, `(${expression})`));
});

test('values, functions and classes of earlier cells are there, and what they use', async () => {
  await succeed(
    opened.notebook,
    `const weights = new Float64Array([1, 2, 3]);
     let bias = 0.5;
     const even = (n: number): boolean => n === 0 || odd(n - 1);
     function odd(n: number): boolean { return n !== 0 && even(n - 1) }
     class Model { constructor(readonly scale: number) {} predict(x: number) { return x * this.scale + bias } }
     const model = new Model(4);`,
  );
  await succeed(opened.notebook, 'bias = 1');
  const source =
    '%%cluster\n[model instanceof Model, model.predict(weights[2]!), even(10), await Promise.resolve(odd(7))]';
  expect(await valueOf(opened.notebook, source)).toBe('[ true, 13, true, true ]');
});

test('what the cell declares and assigns comes back, and what it changes is changed in place', async () => {
  await succeed(opened.notebook, 'const log: string[] = ["here"]; const alias = log; let total = 1;');
  await succeed(
    opened.notebook,
    '%%cluster\nlog.push("there"); total += 41; const made = new Map([["k", log]]); class Made { n = 1 }',
  );
  const source = '[log, alias === log, total, made.get("k") === log, new Made().n]';
  expect(await valueOf(opened.notebook, source)).toBe("[ [ 'here', 'there' ], true, 42, true, 1 ]");
});

test('an instance made there is an instance of the class here', async () => {
  await succeed(
    opened.notebook,
    'class Fit { constructor(readonly slope: number) {} at(x: number) { return this.slope * x } }',
  );
  await succeed(opened.notebook, '%%cluster\nconst fit = new Fit(3)');
  expect(await valueOf(opened.notebook, '[fit instanceof Fit, fit.at(5)]')).toBe('[ true, 15 ]');
});

test('an error arrives as the class that was thrown, with its fields, its cause and the lines of the cell', async () => {
  await succeed(
    opened.notebook,
    'class Diverged extends Error { override name = "Diverged"; constructor(readonly step: number, cause: unknown) { super(`at step ${step}`, { cause }) } }',
  );
  const error = await errorOf(
    opened.notebook,
    '%%cluster\nfunction iterate() {\n  throw new Diverged(7, new RangeError("too large"));\n}\niterate()',
  );
  expect(error).toMatchObject({ name: 'Diverged', message: 'at step 7' });
  expect(error.traceback).toMatch(/Cell \[\d+\]:3:\d+/);
  expect(error.traceback).toMatch(/Cell \[\d+\]:5:\d+/);
  expect(error.traceback).toMatch(/too large/);
});

test('a cell here can catch what a function of a cluster cell throws there', async () => {
  await succeed(opened.notebook, 'class Refused extends TypeError { readonly reason = "policy" } let caught: unknown;');
  await succeed(opened.notebook, '%%cluster\ntry { throw new Refused("no") } catch (error) { caught = error }');
  const source =
    '[caught instanceof Refused, caught instanceof TypeError, (caught as Refused).reason, (caught as Refused).message]';
  expect(await valueOf(opened.notebook, source)).toBe("[ true, true, 'policy', 'no' ]");
});

test('what a failed cell did before it threw is kept; with --atomic it is not', async () => {
  await succeed(opened.notebook, 'const steps: number[] = [];');
  await errorOf(opened.notebook, '%%cluster\nsteps.push(1); throw new Error("late")');
  await errorOf(opened.notebook, '%%cluster --atomic\nsteps.push(2); throw new Error("late")');
  expect(await valueOf(opened.notebook, 'steps')).toBe('[ 1 ]');
});

test('output and displays arrive in order, and while the cell runs', async () => {
  const cell = opened.notebook.start(
    `%%cluster
     import { display } from "cellburst";
     console.log("first"); console.error("second"); display.html("<b>third</b>");
     await new Promise((resolve) => setTimeout(resolve, 3000));
     console.log("last"); "done"`,
  );
  await cell.until((outputs) => shownText({ outputs }).includes('second') && !shownText({ outputs }).includes('last'));
  const run = await cell.done;
  expect(run).toMatchObject({ stdout: 'first\nlast\n', stderr: 'second\n', value: "'done'" });
  const html = run.outputs.map((output) => ('data' in output ? output.data['text/html'] : undefined));
  expect(html).toContain('<b>third</b>');
});

test('pmap maps in order there', async () => {
  await succeed(opened.notebook, 'const power = (x: number) => x ** exponent; let exponent = 3;');
  const source =
    '%%cluster --cores 2\nimport { pmap } from "cellburst";\nconst cubes = await pmap([1, 2, 3, 4], power); cubes';
  expect(await valueOf(opened.notebook, source)).toBe('[ 1, 8, 27, 64 ]');
});

describe('modules of the notebook are the same there and here:', () => {
  const ADD = 'AGFzbQEAAAABBwFgAn9/AX8DAgEABwcBA2FkZAAACgkBBwAgACABags=';
  beforeAll(() => {
    const write = (path: string, content: string | Uint8Array): void => {
      writeFileSync(join(opened.server.directory, path), content);
    };
    mkdirSync(join(opened.server.directory, 'src'), { recursive: true });
    write('tsconfig.json', '{ "compilerOptions": { "paths": { "@lib/*": ["./src/*"] } } }');
    write('src/base.ts', 'export const base: number = await Promise.resolve(40);');
    write('src/sum.ts', 'import { base } from "@lib/base"; export const sum = (x: number): number => base + x;');
    write('add.wasm', Buffer.from(ADD, 'base64'));
    write(
      'thread.ts',
      'import { parentPort } from "node:worker_threads"; import { sum } from "@lib/sum";\nparentPort!.on("message", (x: number) => parentPort!.postMessage(sum(x)));',
    );
  });

  test.each([
    ['by an alias, and awaiting', 'import { sum } from "@lib/sum"; sum(2)'],
    ['WebAssembly', 'import { add } from "./add.wasm"; add(40, 2)'],
    [
      'in a thread',
      'import { Worker } from "node:worker_threads"; const thread = new Worker("./thread.ts"); const answer = await new Promise((done, fail) => { thread.on("message", done); thread.on("error", fail); thread.postMessage(2) }); await thread.terminate(); answer',
    ],
  ])('%s', async (_, source) => {
    expect(await valueOf(opened.notebook, source)).toBe('42');
    expect(await valueOf(opened.notebook, `%%cluster\n${source}`)).toBe('42');
  });
});

test('a variable of the environment is set there only', async () => {
  expect(await valueOf(opened.notebook, '%%cluster --env GREETING=hello\nprocess.env["GREETING"]')).toBe("'hello'");
  expect(await valueOf(opened.notebook, '"GREETING" in process.env')).toBe('false');
});

test('what cannot travel is refused by its path, and nothing is sent', async () => {
  await succeed(opened.notebook, 'const model2 = { layers: [{}, { socket: new WeakMap() }] };');
  const jobs = await jobCount();
  const error = await errorOf(opened.notebook, '%%cluster\nmodel2.layers.length');
  expect(error.message).toMatch(/cannot ship model2\.layers\[1\]\.socket: .*WeakMap.* — use a Map or Set/);
  expect(await jobCount()).toBe(jobs);
});

test('a type error never reaches a queue', async () => {
  const jobs = await jobCount();
  const error = await errorOf(opened.notebook, '%%cluster --cores 1\nconst length: number = "three";');
  expect(error.traceback).toMatch(/Type 'string' is not assignable to type 'number'/);
  expect(error.traceback).toMatch(/2:7/);
  expect(await jobCount()).toBe(jobs);
});

test('the exit of a cluster cell is told with its code, and leaves the notebook as it was', async () => {
  await succeed(opened.notebook, 'let untouched = "yes";');
  const error = await errorOf(opened.notebook, '%%cluster\nuntouched = "no"; process.exit(7)');
  expect(error.message).toMatch(/\b7\b/);
  expect(await valueOf(opened.notebook, 'untouched')).toBe("'yes'");
});

test('a time limit is told as such', async () => {
  const error = await errorOf(opened.notebook, '%%cluster --time 2s\nwhile (true) {}');
  expect(error.message).toMatch(/time/i);
}, 60_000);

async function jobCount(): Promise<number> {
  const count = 'require("node:fs").existsSync(jobsPath) ? require("node:fs").readdirSync(jobsPath).length : 0';
  await succeed(opened.notebook, `const jobsPath = ${JSON.stringify(`${opened.server.stateDirectory}/jobs`)};`);
  return Number(await valueOf(opened.notebook, count));
}

function parsePlace(text: string): { pid: number; parent: number; directory: string } {
  const place: unknown = JSON.parse(text.slice(1, -1));
  if (typeof place !== 'object' || place === null) throw new Error(`This is no place: ${text}`);
  const { pid, parent, directory } = place as Record<string, unknown>;
  return { pid: Number(pid), parent: Number(parent), directory: String(directory) };
}

test('a codec, typed by its class, carries what could not travel before', async () => {
  await succeed(opened.notebook, 'const asked = new Request("http://example.org/a", { method: "PUT" });');
  const refused = await errorOf(opened.notebook, '%%cluster\nasked.method');
  expect(refused.message).toBe('cannot ship asked: Request has no state that can be read — create it inside the cell');
  const mistaken = await errorOf(
    opened.notebook,
    `import { registerCodec } from 'cellburst';
     registerCodec(Request, { encode: (r) => r.url, decode: (url) => url });`,
  );
  expect(mistaken.message).toMatch(/string/);
  await succeed(
    opened.notebook,
    `import { registerCodec } from 'cellburst';
     registerCodec(Request, {
       encode: ({ url, method }) => ({ url, method }),
       decode: ({ url, method }) => new Request(url, { method }),
     });`,
  );
  expect(await valueOf(opened.notebook, '%%cluster\n[asked.method, asked.url].join()')).toBe(
    "'PUT,http://example.org/a'",
  );
});
