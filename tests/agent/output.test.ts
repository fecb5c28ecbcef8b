// Output on its way: spooled first, followed live, resumed at any piece, cut in the middle of a flood.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentConnection } from '../../magics/client';
import { OutputReader } from '../../magics/protocol/output';
import { SPOOL_CAP_BYTES } from '../../magics/protocol/spool';
import { PATIENCE_MS, Setting, ended, run, running, submit, textOf } from './setting';

const setting = new Setting();
let agent: AgentConnection;
beforeAll(async () => {
  agent = await setting.connect();
});
afterAll(async () => {
  await setting[Symbol.asyncDispose]();
});

const signal = (): AbortSignal => AbortSignal.timeout(PATIENCE_MS);

test('output arrives before the job ends', async () => {
  const code = `print('first'); const fs = require('node:fs'); setInterval(() => { if (fs.existsSync(directory + '/go')) finish(); }, 10)`;
  const job = await running(agent, await submit(agent, code));
  const stop = new AbortController();
  for await (const { bytes } of agent.output(job.id, { signal: AbortSignal.any([stop.signal, signal()]) })) {
    expect(bytes.toString()).toContain('first');
    break;
  }
  stop.abort();
  await agent.cancel(job.id);
  await ended(agent, job);
});

test('records, and what foreign code prints on 1 and 2, come in order and whole', async () => {
  const code = `const { spawnSync } = require('node:child_process');
    print('a'); print('b', 2); spawnSync('printf', ['grüße \\\\360\\\\237\\\\230\\\\200'], { stdio: ['ignore', 1, 1] }); setTimeout(() => { print('c'); finish(); }, 100)`;
  const job = await run(agent, code);
  const reader = new OutputReader();
  const seen: [string, string][] = [];
  for await (const { bytes } of agent.output(job.id, { signal: signal() })) {
    for (const { record } of reader.push(bytes)) if ('text' in record) seen.push([record.type, record.text]);
  }
  expect(seen.filter(([type, text]) => type === 'stderr' || text !== 'grüße 😀')).toEqual([
    ['stdout', 'a'],
    ['stderr', 'b'],
    ['stdout', 'c'],
  ]);
  expect(seen).toContainEqual(['stdout', 'grüße 😀']);
});

test('following goes on at the end of any piece', async () => {
  const job = await run(agent, 'for (let n = 0; n < 40000; n++) print(n + "\\n"); finish()');
  const all = await textOf(agent, job.id);
  expect(all.split('\n')).toHaveLength(40001);
  const reader = new OutputReader();
  let begin = '';
  let next = 0;
  for await (const piece of agent.output(job.id, { signal: signal() })) {
    for (const { record } of reader.push(piece.bytes)) if ('text' in record) begin += record.text;
    expect(reader.pending).toBe(0);
    next = piece.next;
    break;
  }
  expect(next).toBeGreaterThan(0);
  expect(begin + (await textOf(agent, job.id, next))).toBe(all);
});

test('an offset that is no border of records is refused, and the connection lives on', async () => {
  const job = await run(agent, 'print("x".repeat(1000)); print("y".repeat(1000)); finish()');
  await expect(textOf(agent, job.id, 20)).rejects.toThrow('no record begins at this offset');
  expect((await agent.status()).pid).toBeGreaterThan(0);
});

test('a flood keeps its head and its tail, fills no disk and stalls nothing', async () => {
  const code = `const block = Buffer.from('x'.repeat(99) + '\\n').toString().repeat(1000);
    print('HEAD'); for (let n = 0; n < 2000; n++) print(block); print('TAIL'); finish()`;
  const job = await submit(agent, code);
  const answers: number[] = [];
  const timer = setInterval(() => {
    const asked = performance.now();
    void agent.status().then(() => answers.push(performance.now() - asked));
  }, 50);
  let follower = 0;
  for await (const { bytes } of agent.output(job.id, { signal: signal() })) follower += bytes.length;
  const last = await ended(agent, job);
  clearInterval(timer);
  expect(last.status.state).toBe('completed');
  expect(last.outputBytes).toBeGreaterThan(200e6);
  expect(follower).toBeGreaterThan(SPOOL_CAP_BYTES / 2);
  expect(Math.max(...answers)).toBeLessThan(2000);

  const onDisk = readdirSync(last.directory).reduce((sum, name) => sum + statSync(join(last.directory, name)).size, 0);
  expect(onDisk).toBeLessThan(SPOOL_CAP_BYTES * 1.1);
  const text = await textOf(agent, job.id);
  expect(text.startsWith('HEAD')).toBe(true);
  expect(text.endsWith('TAIL')).toBe(true);
  expect(text.match(/MB of output were left out here/g)).toHaveLength(1);
  expect(last.droppedBytes + onDisk).toBeGreaterThan(200e6);
});

test('a slow reader of one stream does not hold up anybody else', async () => {
  const job = await run(
    agent,
    'const block = "y".repeat(100000); for (let n = 0; n < 300; n++) print(block); finish()',
  );
  for await (const { bytes } of agent.output(job.id, { signal: signal() })) {
    expect(bytes.length).toBeGreaterThan(0);
    // With this piece not yet used up, everything else still works.
    expect((await run(agent, 'finish()')).status.state).toBe('completed');
    break;
  }
});

test('a record of 40 MB passes whole', async () => {
  const job = await run(agent, 'print("z".repeat(40e6)); finish()');
  expect((await textOf(agent, job.id)).length).toBe(40e6);
});

test('garbage on the output channel of a job costs its later output, not the job', async () => {
  const job = await run(agent, 'print("good"); require("node:fs").writeSync(3, Buffer.alloc(64, 255)); finish()');
  expect(job.status.state).toBe('completed');
  expect(await textOf(agent, job.id)).toMatch(/^good\[cellburst\] The output channel/);
});
