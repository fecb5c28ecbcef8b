// The job monitor against the real home agent and real jobs: what a panel hears, and what it can do.
import { existsSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, sendSignal } from '../../magics/protocol/platform';
import { ended, Setting, specOf, submit, until } from '../agent/setting';
import { Panel } from './panel';

let setting: Setting;
let panel: Panel;
beforeEach(() => {
  setting = new Setting();
  panel = new Panel(setting);
});
afterEach(async () => {
  await panel[Symbol.asyncDispose]();
  await setting[Symbol.asyncDispose]();
});

/** Jest's matchers are `any`. */
function anything(matcher: unknown): unknown {
  return matcher;
}

/** Runs until the file `go` lies in its directory. */
const WAITING = `
  const fs = require('node:fs');
  print('started\\n');
  const wait = () => (fs.existsSync(directory + '/go') ? finish() : setTimeout(wait, 10));
  wait();
`;

test('a panel is told who serves it, the jobs there are, and that it is live', async () => {
  const agent = await setting.connect();
  const job = await ended(agent, await submit(agent, 'finish()'));
  await panel.until('the job is listed', () => panel.jobs.rows.has(job.id));
  await panel.untilLive();
  expect(panel.received.slice(0, 4).map(({ type }) => type)).toEqual(['feed', 'hello', 'snapshot', 'feed']);
  expect(panel.jobs.home).toMatchObject({ stateDirectory: setting.stateDirectory, version: '0.0.0-test' });
  // As it was when the panel came alive, which may have been while the job ran.
  const cores = { used: anything(expect.any(Number)), total: availableParallelism() };
  expect(panel.jobs.clusters).toEqual([{ name: 'local', scheduler: 'none', state: 'ok', cores }]);
});

test('a job is followed from its making to its end without being asked for', async () => {
  await panel.untilLive();
  const agent = await setting.connect();
  const job = await submit(agent, WAITING);
  await panel.until('the job runs', () => panel.jobs.rows.get(job.id)?.status.state === 'running');
  writeFileSync(join(job.directory, 'go'), '');
  await panel.until('the job is done', () => panel.jobs.rows.get(job.id)?.status.state === 'completed');
  expect(panel.all('snapshot')).toHaveLength(1);
});

test('neither the environment of a job nor its directory reaches a browser', async () => {
  const agent = await setting.connect();
  const job = await submit(agent, 'finish()', {}, { TOKEN: 'hunter2-hunter2' });
  await panel.until('the job is done', () => panel.jobs.rows.get(job.id)?.status.state === 'completed');
  const sent = JSON.stringify(panel.received);
  expect(sent).not.toContain('hunter2');
  expect(sent).not.toContain(job.directory);
});

test('a job that is forgotten leaves the list', async () => {
  await panel.untilLive();
  const agent = await setting.connect();
  const job = await agent.create(specOf());
  await panel.until('the job is listed', () => panel.jobs.rows.has(job.id));
  await agent.discard(job.id);
  await panel.until('the job is gone', () => !panel.jobs.rows.has(job.id));
});

test('many changes at once are few messages', async () => {
  await panel.untilLive();
  const agent = await setting.connect();
  const before = panel.received.length;
  const started = Date.now();
  const jobs = await Promise.all(Array.from({ length: 100 }, () => agent.create(specOf())));
  await panel.until('all are listed', () => panel.jobs.rows.size === jobs.length);
  const messages = panel.received.length - before;
  // The first goes out at once, every further one gathers for 100 ms.
  expect(messages).toBeLessThanOrEqual(2 + (Date.now() - started) / 100);
});

test('nothing is sent while nothing changes', async () => {
  await panel.untilLive();
  const before = panel.received.length;
  await sleep(1500);
  expect(panel.received).toHaveLength(before);
});

test('a panel that is gone without a word is given up, one that answers is not', async () => {
  const agent = await setting.connect();
  await using present = new Panel(setting, { silenceMs: 50, answerMs: 300 });
  await using absent = new Panel(setting, { silenceMs: 50, answerMs: 300 });
  absent.isDeaf = true;
  for (const one of [present, absent]) await one.untilLive();
  await sleep(100);
  expect(present.all('ping')).toHaveLength(0);
  await agent.create(specOf());
  await absent.until('it is given up', () => absent.isGivenUp);
  await sleep(200);
  expect(present.all('ping').length).toBeGreaterThan(0);
  expect(present.isGivenUp).toBe(false);
});

test('the agent is killed: the panel hears of the loss, then is live again with what is true by then', async () => {
  const agent = await setting.connect();
  const kept = await ended(agent, await submit(agent, 'finish()'));
  await panel.until('the job is listed', () => panel.jobs.rows.has(kept.id));
  await panel.untilLive();
  const pid = setting.agentPid() ?? 0;
  sendSignal(pid, 'SIGKILL');
  await until('the agent has ended', () => !isAlive({ pid }));
  await panel.until('there is a second snapshot', () => panel.all('snapshot').length === 2);
  await panel.untilLive();
  expect([...panel.jobs.rows.keys()]).toEqual([kept.id]);
  expect(panel.all('feed').map(({ feed }) => feed.state)).toEqual(['connecting', 'live', 'lost', 'live']);
});

test('a log comes from where the panel left off, and says when it is over', async () => {
  const agent = await setting.connect();
  const job = await submit(agent, `print('one\\n'); print('two\\n', 2); ${WAITING}`);
  await panel.until('the job runs', () => panel.jobs.rows.get(job.id)?.status.state === 'running');
  await panel.untilLive();
  panel.send({ type: 'follow', job: job.id, from: 0, tailBytes: 100_000 });
  await panel.until('the beginning is there', () => panel.logOf(job.id) === 'one\ntwo\nstarted\n');
  expect(panel.all('log').flatMap(({ pieces }) => pieces)[1]).toEqual({ stream: 'stderr', text: 'two\n' });
  const { next } = panel.all('log').at(-1) ?? { next: 0 };
  panel.send({ type: 'unfollow', job: job.id });
  writeFileSync(join(job.directory, 'go'), '');
  await panel.until('the job is done', () => panel.jobs.rows.get(job.id)?.status.state === 'completed');
  panel.send({ type: 'follow', job: job.id, from: next, tailBytes: 100_000 });
  await panel.until('the log is over', () => panel.all('log').at(-1)?.ended === true);
  expect(panel.logOf(job.id)).toBe('one\ntwo\nstarted\n');
});

test('of a large output the end comes, in pieces that a Jupyter server lets through', async () => {
  const agent = await setting.connect();
  const job = await submit(
    agent,
    `for (let i = 0; i < 3000; i++) print('x'.repeat(999) + '\\n'); print('the end\\n'); finish()`,
  );
  await panel.until('the job is done', () => panel.jobs.rows.get(job.id)?.status.state === 'completed');
  panel.send({ type: 'follow', job: job.id, from: 0, tailBytes: 100_000 });
  await panel.until('the log is over', () => panel.all('log').at(-1)?.ended === true);
  expect(panel.logOf(job.id)).toMatch(/the end\n$/);
  expect(panel.logOf(job.id).length).toBeLessThan(600_000);
  for (const message of panel.all('log')) expect(JSON.stringify(message).length).toBeLessThan(200_000);
  expect(panel.all('log')[0]?.from).toBeGreaterThan(0);
});

test('a job is cancelled, and its record says so', async () => {
  const agent = await setting.connect();
  const job = await submit(agent, WAITING);
  await panel.until('the job runs', () => panel.jobs.rows.get(job.id)?.status.state === 'running');
  await panel.untilLive();
  expect(await panel.act({ action: 'cancel', job: job.id })).toMatchObject({ ok: true, result: { action: 'cancel' } });
  await panel.until('it is cancelled', () => panel.jobs.rows.get(job.id)?.status.state === 'cancelled');
});

test('a retry is a new job with the same bundle and the resources asked for', async () => {
  const agent = await setting.connect();
  const first = await ended(agent, await submit(agent, `print('hi\\n'); finish()`, { memoryMiB: 512 }));
  await panel.untilLive();
  const answer = await panel.act({ action: 'retry', job: first.id, resources: { memoryMiB: 640 } });
  if (!answer.ok || answer.result.action !== 'retry') throw new Error(JSON.stringify(answer));
  const second = await ended(agent, await agent.job(answer.result.job));
  expect(second.id).not.toBe(first.id);
  expect(second.spec.resources).toEqual({ cores: 1, memoryMiB: 640 });
  expect(second.status).toEqual({ state: 'completed', outcome: 'value' });
});

test('attach tells where the job came from, and the line that brings it home', async () => {
  const agent = await setting.connect();
  const job = await submit(agent, 'finish()');
  await panel.untilLive();
  expect(await panel.act({ action: 'attach', job: job.id })).toMatchObject({
    ok: true,
    result: { action: 'attach', origin: { client: 'cli' }, code: `%cluster attach ${job.id}` },
  });
});

test('a job that has ended is removed, with its directory; one that runs is not', async () => {
  const agent = await setting.connect();
  const job = await submit(agent, WAITING);
  await panel.until('the job runs', () => panel.jobs.rows.get(job.id)?.status.state === 'running');
  await panel.untilLive();
  expect(await panel.act({ action: 'remove', job: job.id })).toMatchObject({
    ok: false,
    message: anything(expect.stringContaining('Cancel it first')),
  });
  writeFileSync(join(job.directory, 'go'), '');
  await panel.until('the job is done', () => panel.jobs.rows.get(job.id)?.status.state === 'completed');
  expect(await panel.act({ action: 'remove', job: job.id })).toMatchObject({ ok: true });
  await panel.until('the job is gone', () => !panel.jobs.rows.has(job.id));
  expect(existsSync(job.directory)).toBe(false);
});

test('what cannot be done says why', async () => {
  await panel.untilLive();
  expect(await panel.act({ action: 'cancel', job: 'no-such-job' })).toMatchObject({
    ok: false,
    message: anything(expect.stringContaining('no-such-job')),
  });
  panel.send({ type: 'follow', job: 'no-such-job', from: 0, tailBytes: 1000 });
  await panel.until('the log says so', () => panel.all('log').length > 0);
  expect(panel.all('log')[0]).toMatchObject({
    ended: false,
    problem: anything(expect.stringContaining('no-such-job')),
  });
});

test('messages of a newer panel are left out, malformed ones are answered', async () => {
  await panel.untilLive();
  panel.sendRaw({ type: 'teleport', job: 1 });
  expect(panel.all('error')).toHaveLength(0);
  for (const message of [
    null,
    7,
    {},
    { type: 'follow' },
    { type: 'action', action: 'explode', request: 'r', job: 'j' },
  ])
    panel.sendRaw(message);
  expect(panel.all('error')).toHaveLength(5);
  expect(panel.all('error')[3]?.message).toContain('job');
});
