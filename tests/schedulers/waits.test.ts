// When a batch system is asked, and what is made of jobs that wait: the rules, without a scheduler.
import { setTimeout as pause } from 'node:timers/promises';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gridEngine } from '../../magics/schedulers/gridengine';
import { BatchJobView } from '../../magics/schedulers/batch-view';
import type { Observation } from '../../magics/schedulers/dialect';
import { toNativeId } from '../../magics/schedulers/answer';
import { HEARTBEAT_FILE } from '../../magics/protocol/layout';
import { RUN_PROTOCOL } from '../../magics/protocol/run';
import { Pace } from '../../magics/schedulers/pace';
import { Waits } from '../../magics/schedulers/waits';
import { startInWords, stateInWords } from '../../magics/show';

const { signal } = new AbortController();
const queued = (more: Partial<Observation> = {}): Observation => ({
  sighting: { state: 'queued' },
  words: 'qw',
  ...more,
});

test('between two questions there is the floor, however much happens', async () => {
  const asked: number[] = [];
  const pace = new Pace({ firstMs: 200, longestMs: 800 }, () => {
    asked.push(performance.now());
    return Promise.resolve();
  });
  // The first one comes soon.
  const began = performance.now();
  for (let i = 0; i < 90; i++) {
    pace.soon();
    await pause(10);
  }
  pace.stop();
  expect(asked.length).toBeGreaterThan(1);
  expect((asked[0] ?? 0) - began).toBeLessThan(195);
  for (const [i, at] of asked.slice(1).entries()) expect(at - (asked[i] ?? 0)).toBeGreaterThan(195);
});

test('while nothing happens the pauses double up to the longest', async () => {
  const asked: number[] = [];
  const pace = new Pace({ firstMs: 60, longestMs: 240 }, () => {
    asked.push(performance.now());
    return Promise.resolve();
  });
  pace.soon();
  const deadline = performance.now() + 20_000;
  while (asked.length < 6 && performance.now() < deadline) {
    // Timers of the pace do not keep a process alive: this one does.
    await pause(20);
  }
  pace.stop();
  const gaps = asked.slice(1).map((at, i) => at - (asked[i] ?? 0));
  for (const [i, least] of [55, 115, 235, 235].entries()) expect(gaps[i]).toBeGreaterThan(least);
});

test('a job that waits without a reason is asked about once, some time later; what can never start is asked about again', async () => {
  const commands: string[] = [];
  let says = 'Job 5 cannot run in PE "smp" because it only offers 4 slots\nverification: no suitable queues\n';
  const waits = new Waits(gridEngine, (argv) => {
    commands.push(argv.join(' '));
    return Promise.resolve({ exitCode: 1, stdout: says, stderr: '' });
  });
  const id = toNativeId('5');
  const look = (nowMs: number) => {
    waits.begin(new Map([[id, queued()]]));
    return waits.complete(id, queued(), nowMs, signal);
  };
  expect(await look(0)).toEqual(queued());
  expect(commands).toEqual([]);
  const reason = 'No queue can ever take it: it cannot run in PE "smp" because it only offers 4 slots.';
  expect(await look(5000)).toMatchObject({ stuck: true, sighting: { state: 'queued', reason } });
  expect(commands).toEqual(['qalter -w v 5']);
  says = 'verification: found suitable queue(s)\n';
  expect(await look(6000)).toEqual(queued());
  expect(await look(60_000)).toEqual(queued());
  expect(commands.slice(1)).toEqual(['qalter -w v 5', 'qstat -xml -j 5']);
});

test('of many jobs that wait a few are asked about at a time', async () => {
  let count = 0;
  const waits = new Waits(gridEngine, () => {
    count += 1;
    return Promise.resolve({ exitCode: 0, stdout: 'verification: found suitable queue(s)\n', stderr: '' });
  });
  const ids = Array.from({ length: 20 }, (_, i) => toNativeId(String(i)));
  for (const nowMs of [0, 10_000]) {
    waits.begin(new Map(ids.map((id) => [id, queued()])));
    for (const id of ids) await waits.complete(id, queued(), nowMs, signal);
  }
  // Whether it can start, and why it does not: of three jobs.
  expect(count).toBe(6);
});

describe('what is seen of one job', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'cellburst-view-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const viewOf = () =>
    new BatchJobView({
      directory,
      title: 'Slurm',
      floorMs: 1000,
      explainLog: () => undefined,
      logPath: () => join(directory, 'scheduler.log'),
    });

  test('for ever is what the scheduler has said twice, and what it takes back is taken back', () => {
    const view = viewOf();
    const never = queued({ stuck: true, sighting: { state: 'queued', reason: 'Its QOS is not valid.' } });
    view.observe(never, 0);
    expect(view.look(0).news).toEqual({
      state: 'queued',
      reason: 'Its QOS is not valid. It will not start by itself.',
    });
    view.observe(never, 1000);
    expect(view.look(1000).news).toMatchObject({ state: 'queued', isStuck: true });
    view.observe(queued({ expectedStart: 90_000 }), 2000);
    expect(view.look(2000).news).toEqual({ state: 'queued', expectedStart: 90_000 });
  });

  test('a job that is in no list has not ended, and is called unknown after a while', () => {
    const view = viewOf();
    view.observe(queued(), 0);
    view.look(0);
    view.observe(undefined, 1000);
    expect(view.look(30_000).news).toBeUndefined();
    expect(view.look(70_000).news).toMatchObject({ state: 'unknown' });
    view.observe(queued(), 71_000);
    expect(view.look(71_000).news).toMatchObject({ state: 'queued' });
  });

  test('an end without a result has the scheduler’s words and the end of the launcher’s log', () => {
    writeFileSync(join(directory, 'scheduler.log'), 'one\ntwo\n');
    const view = viewOf();
    view.observe(
      {
        sighting: { state: 'ended', explanation: { cause: 'node-lost', reason: 'A node failed.' } },
        words: 'NODE_FAIL',
      },
      0,
    );
    expect(view.look(1000).news).toBeUndefined();
    expect(view.look(5000).news).toEqual({
      state: 'ended',
      explanation: { cause: 'node-lost', reason: 'A node failed.', words: 'NODE_FAIL', log: 'one\ntwo' },
    });
  });

  /** A second runner found the job taken, and ended. */
  const TAKEN: Observation = {
    sighting: { state: 'ended', explanation: { cause: 'exit', reason: 'exit code 73', exitCode: 73 } },
    words: 'FAILED 73:0',
  };
  const usage = { peakMemoryMiB: 1, cpuSeconds: 1, elapsedSeconds: 1 };
  const facts = { protocol: 1, host: 'n1', startedAt: 5, usage, outputBytes: 0, droppedBytes: 0 };
  const beat = (beatAt: number): void => {
    const told = { ...facts, runner: { pid: 1 }, cell: { pid: 2 }, beatAt };
    writeFileSync(join(directory, 'heartbeat.json'), JSON.stringify(told));
  };
  const outcome = (ending: object): void => {
    const told = { ...facts, endedAt: 9, ending };
    writeFileSync(join(directory, 'outcome.json'), JSON.stringify(told));
  };

  test('a job that was started anew while its first runner goes on runs there, and ends as that tells', () => {
    const view = viewOf();
    beat(1);
    view.look(0);
    view.observe(TAKEN, 1000);
    beat(2);
    expect(view.look(6000).news).toBeUndefined();
    outcome({ kind: 'exit', code: 0 });
    expect(view.look(7000).news).toEqual({ state: 'ended' });
  });

  test('when its first runner is silent for good, it is told as put back, and not as an exit code', () => {
    const view = viewOf();
    beat(1);
    view.look(0);
    view.observe(TAKEN, 1000);
    expect(view.look(20_000).news).toBeUndefined();
    expect(view.look(60_000).news).toMatchObject({
      state: 'ended',
      explanation: { cause: 'preempted', words: 'FAILED 73:0' },
    });
  });

  test('a job whose runner was told to end, and which is in the queue again, has ended and is taken out', () => {
    const view = viewOf();
    // Of the time before it began: that says nothing.
    view.observe(queued(), 0);
    beat(1);
    outcome({ kind: 'terminated' });
    expect(view.look(1000)).toEqual({ news: undefined, wantsAnswer: true });
    view.observe(queued(), 2000);
    expect(view.look(2000)).toMatchObject({
      news: { state: 'ended', explanation: { cause: 'preempted' } },
      isLeft: true,
    });
  });

  test('a node that the scheduler has lost sight of is not lost while the runner on it is heard', () => {
    const beat = (beatAt: number) => {
      const told = { protocol: RUN_PROTOCOL, host: 'n1', startedAt: 0, beatAt, outputBytes: 0, droppedBytes: 0 };
      const usage = { peakMemoryMiB: 1, cpuSeconds: 1, elapsedSeconds: 1 };
      writeFileSync(
        join(directory, HEARTBEAT_FILE),
        JSON.stringify({ ...told, runner: { pid: 1 }, cell: { pid: 2 }, usage }),
      );
    };
    const view = viewOf();
    view.observe(
      { sighting: { state: 'ended', explanation: { cause: 'node-lost', reason: 'A node failed.' } }, words: 'F' },
      0,
    );
    for (let at = 0; at < 30_000; at += 5000) {
      beat(at);
      expect(view.look(at).news?.state ?? 'running').toBe('running');
    }
    expect(view.look(30_000).news).toBeUndefined();
    expect(view.look(36_000).news).toMatchObject({ state: 'ended', explanation: { cause: 'node-lost' } });
    rmSync(join(directory, HEARTBEAT_FILE));
  });
});

test('the expected start is told by the clock here, with the day where it is another one', () => {
  const now = new Date(2026, 10, 20, 12, 0).getTime();
  expect(startInWords(new Date(2026, 10, 20, 14, 5).getTime(), now)).toBe('expected to start at 14:05, in 2 h 5 min');
  expect(startInWords(new Date(2026, 10, 21, 9, 30).getTime(), now)).toBe(
    'expected to start at 2026-11-21 09:30, in 21 h 30 min',
  );
  const status = { state: 'queued', reason: 'Other jobs come first.', expectedStart: now + 300_000 } as const;
  expect(stateInWords(status, now)).toBe('queued: Other jobs come first; expected to start at 12:05, in 5 min 0 s');
  expect(stateInWords({ state: 'running', since: 0, silentSince: now - 14_000 }, now)).toMatch(
    /nothing was heard of it for 14 s/,
  );
});
