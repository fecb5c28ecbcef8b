// What a cluster cell did, gave or threw comes home as if it had been here: sections G and H of the conformance list, in a real kernel.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KernelClient } from '../../kernel/client';
import { attach, detach, shown, tracebackOf, valueOf } from './kernel-cells';

let kernel: KernelClient;
beforeAll(async () => {
  kernel = await KernelClient.start();
}, 60_000);
afterAll(() => kernel.stop(), 60_000);

const value = (source: string): Promise<string | undefined> => valueOf(kernel, source);

test('G1 aliases, views, keys of Maps and cycles are the objects they were', async () => {
  await value(
    'const key = { k: 1 }; const map = new Map([[key, [1]]]); const alias = map; const bytes = new ArrayBuffer(8); const low = new Uint8Array(bytes), high = new Uint8Array(bytes, 4); const ring: any = { map }; ring.self = ring; const held = map.get(key);',
  );
  await value('%%cluster\nmap.get(key)!.push(2); key.k = 5; map.set({ k: 9 }, [9]); high[0] = 7; ring.extra = key;');
  expect(
    await value(
      '[alias === map, alias.get(key) === held, held!.join(), key.k, map.size, low[4], high.buffer === low.buffer, ring.self === ring, ring.map === alias, ring.extra === key].join()',
    ),
  ).toBe("'true,true,1,2,5,2,7,true,true,true,true'");
});

test('G2 a name bound anew leaves the old object to its alias', async () => {
  await value('let log = [1]; const old = log;');
  await value('%%cluster\nlog.push(2); log = [9];');
  expect(await value('[log.join(), old.join(), log === old].join(";")')).toBe("'9;1,2;false'");
});

test('G6 a const is changed in place, and assigned nowhere', async () => {
  await value('const fixed: any = { a: 1 };');
  expect(await value('%%cluster\nfixed.b = 2; Object.keys(fixed).join()')).toBe("'a,b'");
  const source = '// @ts-nocheck\nfixed = 5';
  const [here, there] = [await kernel.execute(source), await kernel.execute(`%%cluster\n${source}`)];
  for (const { reply } of [here, there])
    expect(reply).toMatchObject({ ename: 'TypeError', evalue: 'Assignment to constant variable.' });
  expect(await value('Object.keys(fixed).join()')).toBe("'a,b'");
});

test('a cell that throws leaves what it did up to the throw; with --atomic nothing', async () => {
  await value('const done: number[] = []; let step = 0; const up = (() => { let n = 0; return () => ++n; })();');
  const cell = 'done.push(step); step++; up(); const made = step; throw new Error("half way");';
  expect((await kernel.execute(`%%cluster\n${cell}`)).reply).toMatchObject({ ename: 'Error', evalue: 'half way' });
  expect(await value('[done.length, step, up(), made].join()')).toBe("'1,1,2,1'");
  expect((await kernel.execute(`%%cluster --atomic\n${cell}`)).reply).toMatchObject({ ename: 'Error' });
  expect(await value('[done.length, step, up(), made].join()')).toBe("'1,1,3,1'");
});

test('a worker that is lost applies nothing', async () => {
  await value('const kept = { n: 1 }; let name = "before";');
  const { reply } = await kernel.execute(
    '%%cluster\nkept.n = 2; name = "after"; process.kill(process.pid, "SIGKILL"); await new Promise(() => setInterval(() => {}, 1000));',
  );
  expect(reply).toMatchObject({ status: 'error' });
  expect(await value('[kept.n, name].join()')).toBe("'1,before'");
});

test('G4 what the user changed while a detached job ran is a conflict: told, and left as it is', async () => {
  await value('let x = 1; const mine = { n: 1 }, free = { n: 1 };');
  const id = await detach(kernel, 'x = 2; mine.n = 2; free.n = 2; const fresh = 3; "result"');
  await value('x = 50; mine.n = 60;');
  const attached = await attach(kernel, id);
  expect(shown(attached)).toContain("'result'");
  expect(shown(attached)).toMatch(/\bx\b[^]*\bmine\b|\bmine\b[^]*\bx\b/);
  expect(shown(attached)).not.toMatch(/\bfree\b/);
  expect(await value('[x, mine.n, free.n, fresh].join()')).toBe("'50,60,2,3'");
});

test('G5 of two jobs that write one name the second to come home is a conflict', async () => {
  await value('let winner = "nobody"; const board: string[] = [];');
  const first = await detach(kernel, 'winner = "first"; board.push("first");');
  const second = await detach(kernel, 'winner = "second"; board.push("second");');
  await attach(kernel, second);
  const late = await attach(kernel, first);
  expect(shown(late)).toMatch(/winner/);
  expect(shown(late)).toMatch(/board/);
  expect(await value('[winner, board.join()].join()')).toBe("'second,second'");
});

test('H2 the stack of an error leads through functions of other cells, here and there alike', async () => {
  const declared = await kernel.execute('function deep(n: number): never {\n  throw new RangeError(`at ${n}`);\n}');
  const at = Number(declared.reply['execution_count']);
  const cell = 'const go = () =>\n  deep(3);\ngo();';
  const frames = (result: Awaited<ReturnType<KernelClient['execute']>>): string[] =>
    tracebackOf(result).flatMap(
      (line) =>
        /^ +at .*/
          .exec(line)?.[0]
          .replace(/Cell \[\d+\]/, (label) => (label === `Cell [${at}]` ? 'DECLARED' : 'CELL')) ?? [],
    );
  const here = frames(await kernel.execute(`//\n${cell}`));
  const there = frames(await kernel.execute(`%%cluster\n${cell}`));
  expect(here).toEqual(['    at deep (DECLARED:2:9)', '    at go (CELL:3:3)', '    at CELL:4:1']);
  expect(there).toEqual(here);
});

test('H1 errors are real ones of the notebook: class, causes, members, own and symbol fields, identity', async () => {
  await value(
    'const mark = Symbol("mark"); class Bad extends RangeError { code = 7; [mark] = "own"; } const cause = { plain: true }; let caught: any, many: any; const { types } = await import("node:util");',
  );
  await value(
    '%%cluster\ntry { throw Object.assign(new Bad("wrong", { cause: new TypeError("inner", { cause }) }), { late: [1] }) } catch (error) { caught = error }\nmany = new AggregateError([caught, new URIError("u"), 5], "many");',
  );
  expect(
    await value(
      '[caught instanceof Bad, caught instanceof RangeError, types.isNativeError(caught), caught.code, caught[mark], caught.late.join(), caught.cause instanceof TypeError, caught.cause.cause === cause].join()',
    ),
  ).toBe("'true,true,true,7,own,1,true,true'");
  expect(
    await value(
      '[many instanceof AggregateError, many.errors[0] === caught, many.errors[1] instanceof URIError, many.errors[2], Object.keys(caught).join(), Object.getOwnPropertyDescriptor(caught, "cause")!.enumerable].join()',
    ),
  ).toBe("'true,true,true,5,code,late,false'");
});

test('what a cluster cell throws looks as if it had been thrown here, and its last line alone says where it ran', async () => {
  await value(
    'class Wrong extends Error { constructor(message: string, public readonly code: number) { super(message, { cause: new TypeError("inner") }) } }',
  );
  const cell = 'throw Object.assign(new AggregateError([new Wrong("w", 3)], "all"), { [Symbol("s")]: 1 });';
  const strip = (lines: string[]): string[] => lines.map((line) => line.replaceAll(/Cell \[\d+\]/g, 'CELL'));
  const here = strip(tracebackOf(await kernel.execute(`//\n${cell}`)));
  const there = strip(tracebackOf(await kernel.execute(`%%cluster\n${cell}`)));
  expect(there.at(-1)).toMatch(/^ +\(job \w+ on .*\)$/);
  expect(there.slice(0, -1).map((line) => line.replace('%%cluster', '//'))).toEqual(here);
  const text = here.join('\n');
  expect(text).toMatch(/^AggregateError: all/);
  expect(text).toContain('[Symbol(s)]: 1');
  expect(text).toMatch(/Error 1 of 1: Wrong: w[^]*code: 3[^]*Caused by: TypeError: inner/);
});

test.each([
  ['"text"', "'text'"],
  ['undefined', 'undefined'],
  ['null', 'null'],
  ['{ status: 404 }', '{ status: 404 }'],
  ['Symbol.for("s")', 'Symbol(s)'],
  ['() => 1', '[Function (anonymous)]'],
])('what is thrown and is no error arrives as it was: %s', async (thrown, text) => {
  const [here, there] = [await kernel.execute(`throw ${thrown}`), await kernel.execute(`%%cluster\nthrow ${thrown}`)];
  for (const { reply } of [here, there]) expect(reply).toMatchObject({ ename: 'Uncaught', evalue: text });
});

test('frames inside of packages and of Node are one line, the ones of cells are not', async () => {
  const folder = join(kernel.directory, 'node_modules', 'walker');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "name": "walker", "version": "1.0.0", "types": "index.d.ts" }');
  writeFileSync(join(folder, 'index.d.ts'), 'export function each(f: () => void): void;');
  writeFileSync(
    join(folder, 'index.js'),
    'const inner = (f) => f(); const middle = (f) => inner(f); exports.each = (f) => middle(f);',
  );
  const cell = 'import { each } from "walker";\neach(function visit() { throw new Error("inside"); });';
  for (const magic of ['//', '%%cluster']) {
    const frames = tracebackOf(await kernel.execute(`${magic}\n${cell}`)).filter((line) => /^ +at /.test(line));
    expect(frames.map((line) => line.replace(/Cell \[\d+\]/, 'CELL'))).toEqual([
      '    at visit (CELL:3:31)',
      '    at … 3 frames of walker',
      '    at CELL:3:1',
    ]);
  }
});

test('H5 and A10: what cannot run is told with its place, and nothing is sent', async () => {
  const syntax = await kernel.execute('%%cluster\nconst half = (1 +;');
  expect(tracebackOf(syntax).join('\n')).toMatch(/Cell \[\d+\]:2:18/);
  const unknown = await kernel.execute('%%cluster\nnope + 1');
  expect(tracebackOf(unknown).join('\n')).toMatch(/nope[^]*Cell \[\d+\]:2:1|Cell \[\d+\]:2:1[^]*nope/);
  const hidden = await kernel.execute('%%cluster\nconst text = "1"; eval(text)');
  expect(hidden.reply['evalue']).toMatch(/direct eval hides what the cell needs/);
});

test('H9 output streams in its order, errors and displays among it', async () => {
  const run = await kernel.execute(
    '%%cluster\nimport { display } from "cellburst";\nconsole.log("one"); console.error("two"); display({ "text/plain": "three" }); console.log("four");',
  );
  const order = run.messages.flatMap(({ type, content }) =>
    type === 'stream'
      ? [String(content['text']).trim()]
      : type === 'display_data'
        ? [JSON.stringify(content['data'])]
        : [],
  );
  expect(order.filter((text) => /one|two|three|four/.test(text)).join()).toMatch(/one.*two.*three.*four/s);
});
