// The pure rules: ids, slots, how a job ended, what is kept, what the platform prints, where output is cut.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { findId, isId, nextId } from '../../magics/jobs/ids';
import { toForget, toLighten, type StoredJob } from '../../magics/jobs/retention';
import { finish, settle, sight, type Evidence } from '../../magics/jobs/status';
import type { Sighting } from '../../magics/schedulers';
import type { JobRecord, JobStatus } from '../../magics/protocol/job';
import { AGENT_PROTOCOL } from '../../magics/protocol/messages';
import { encodeOutput, OutputReader } from '../../magics/protocol/output';
import { agentSocket, parseCpuList, parsePs, parseStat, stateDirectory } from '../../magics/protocol/platform';
import { jobRecord } from '../../magics/protocol/records';
import type { Ending, Outcome } from '../../magics/protocol/run';
import { toSegments } from '../../magics/protocol/spool';
import { RecordIntake, TextIntake, wholeCharacters } from '../../magics/runner/intake';
import { groupParents, openMemoryGroup } from '../../magics/runner/memory-group';
import { heapMiB } from '../../magics/protocol/cell-start';
import { isHeapExhausted } from '../../magics/runner/limits';
import { Slots } from '../../magics/schedulers/slots';
import { specOf } from './setting';
import { testUnless } from '../unless';

const DAY = 86_400_000;

function recordOf(id: string, rest: Partial<JobRecord> = {}): JobRecord {
  const base = jobRecord(
    {
      id,
      spec: specOf(),
      status: { state: 'queued' },
      directory: '/jobs',
      createdAt: 0,
      outputBytes: 0,
      droppedBytes: 0,
    },
    'record',
  );
  return { ...base, ...rest };
}

test('ids sort by time, never repeat, and are found by a piece that fits one only', () => {
  const now = Date.UTC(2026, 10, 20);
  const first = nextId(now, undefined);
  const second = nextId(now, first);
  const later = nextId(now + 3_600_000, second);
  expect([later, first, second].sort()).toEqual([first, second, later]);
  expect([first, second, later].every(isId)).toBe(true);
  expect(isId('../etc')).toBe(false);
  expect(findId([first, second, later], later.slice(-3).toUpperCase())).toBe(later);
  expect(() => findId([first, second], first.slice(0, 3))).toThrow('fits 2 jobs');
  expect(() => findId([first], '')).toThrow('There is no job ""');
});

test('cores and memory are shared out, never twice, and shortages are told', () => {
  const slots = new Slots({ cores: 4, memoryMiB: 1000, cpus: [0, 1, 2, 3] });
  const a = slots.take({ cores: 1 }, [2]);
  const b = slots.take({ cores: 2, memoryMiB: 600 });
  expect(a?.cpus).toEqual([2]);
  expect(b?.cpus).toEqual([0, 1]);
  expect(slots.shortage({ cores: 2 })).toBe('waiting for 2 cores, 1 of 4 are free');
  expect(slots.shortage({ cores: 1, memoryMiB: 500 })).toBe('waiting for 500 MiB of memory, 400 of 1000 MiB are free');
  expect(slots.take({ cores: 2 })).toBeUndefined();
  if (b !== undefined) slots.free(b);
  expect(slots.take({ cores: 3 })?.cpus).toEqual([0, 1, 3]);
});

test('granted GPUs are shared out by name, never twice', () => {
  const slots = new Slots({ cores: 4, memoryMiB: 1000, gpus: ['3', '5'] });
  const a = slots.take({ cores: 1, gpus: 1 });
  expect([a?.gpus, slots.take({ cores: 1 })?.gpus]).toEqual([['3'], []]);
  expect(slots.shortage({ cores: 1, gpus: 2 })).toBe('waiting for 2 GPUs, 1 are free');
  expect(() => {
    slots.check({ cores: 1, gpus: 3 });
  }).toThrow('2 were granted');
  if (a !== undefined) slots.free(a);
  expect(slots.take({ cores: 1, gpus: 2 })?.gpus).toEqual(['3', '5']);
});

const outcomeOf = (ending: Ending): Outcome => ({
  protocol: 1,
  host: 'h',
  ending,
  startedAt: 1,
  endedAt: 2,
  usage: { peakMemoryMiB: 1, cpuSeconds: 1, elapsedSeconds: 1 },
  outputBytes: 5,
  droppedBytes: 0,
});
const terminated = outcomeOf({ kind: 'terminated' });

test.each<[string, Partial<JobRecord>, Evidence, JobStatus]>([
  [
    'the envelope decides, also when a cancel was under way',
    { cancelRequestedAt: 1 },
    { envelope: { outcome: 'value' }, outcome: terminated },
    { state: 'completed', outcome: 'value' },
  ],
  [
    'cancelled is the user’s with a request in the journal',
    { cancelRequestedAt: 1 },
    { outcome: terminated },
    { state: 'cancelled', by: 'user' },
  ],
  ['cancelled is nobody’s without one', {}, { outcome: terminated }, { state: 'cancelled', by: 'unknown' }],
  ['a cancelled job without any files is cancelled', { cancelRequestedAt: 1 }, {}, { state: 'cancelled', by: 'user' }],
  [
    'a time limit stays one, though a cancel came later',
    { cancelRequestedAt: 1 },
    { outcome: outcomeOf({ kind: 'time-limit', detail: 'It was granted 1 s.' }) },
    expect.objectContaining({ state: 'failed', cause: 'time-limit' }),
  ],
  [
    'the scheduler explains what left no outcome',
    {},
    { explanation: { cause: 'node-lost', reason: 'Node n1 is down.' } },
    { state: 'failed', cause: 'node-lost', reason: 'Node n1 is down.' },
  ],
  [
    'a result that cannot be read is a failure',
    {},
    { envelope: { problem: 'cut short' }, outcome: outcomeOf({ kind: 'exit', code: 0 }) },
    {
      state: 'failed',
      cause: 'result-unreadable',
      reason: 'The job ended, but its result cannot be read: cut short',
    },
  ],
  [
    'packages that could not be made there are a cause of their own',
    {},
    { outcome: outcomeOf({ kind: 'environment-failed', detail: 'npm ended with exit code 1.' }) },
    expect.objectContaining({ state: 'failed', cause: 'environment' }),
  ],
  [
    'the scheduler’s own words come along, also where the runner has told',
    {},
    {
      outcome: outcomeOf({ kind: 'signal', signal: 'SIGKILL' }),
      explanation: { cause: 'preempted', reason: 'It gave way.', words: 'PREEMPTED' },
    },
    { state: 'failed', cause: 'preempted', reason: 'It gave way.', words: 'PREEMPTED' },
  ],
  [
    'who cancelled it is told in the scheduler’s words',
    {},
    { cancelledBy: 'administrator', cancelWords: 'CANCELLED by 0' },
    { state: 'cancelled', by: 'administrator', words: 'CANCELLED by 0' },
  ],
  [
    'without any evidence the runner is lost',
    {},
    {},
    expect.objectContaining({ state: 'failed', cause: 'runner-lost' }),
  ],
])('%s', (_, rest, evidence, status) => {
  expect(settle(recordOf('000001', rest), evidence)).toEqual(status);
});

test('a final status never changes, and a running job is queued again only for a reason', () => {
  const done = recordOf('000001', { status: { state: 'completed', outcome: 'value' } });
  expect(sight(done, { state: 'running', since: 1 })).toBe(done);
  expect(finish(done, { explanation: { cause: 'node-lost', reason: '' } }, 9)).toBe(done);
  const running = sight(recordOf('000001'), { state: 'running', since: 7 });
  expect(running).toMatchObject({ status: { state: 'running', since: 7 }, startedAt: 7 });
  expect(sight(running, { state: 'queued' })).toBe(running);
  const back: Sighting = { state: 'queued', reason: 'Grid Engine could not start it.', isStuck: true };
  expect(sight(running, back).status).toEqual(back);
  expect(sight(running, { state: 'unknown', raw: 'ODD' }).status).toEqual({ state: 'unknown', raw: 'ODD' });
});

test('the oldest spent jobs are forgotten first; what runs, and a result that nobody has fetched, stays', () => {
  const now = 100 * DAY;
  const job = (id: string, rest: Partial<JobRecord>, bytes = 10): StoredJob => ({
    record: recordOf(id, { status: { state: 'completed', outcome: 'value' }, endedAt: now - DAY, ...rest }),
    bytes,
    isOriginAlive: false,
  });
  const jobs = [
    job('00000a', { endedAt: now - 40 * DAY }),
    job('00000b', {}),
    job('00000c', { deliveredAt: now - 5, endedAt: now }),
    job('00000d', { claimedBy: { pid: 1 } }, 1000),
    job('00000e', { status: { state: 'running', since: 0 } }, 1000),
    job('00000f', { status: { state: 'preparing', step: 'capture' } }),
    job('00000g', { status: { state: 'failed', cause: 'exit', reason: '' }, endedAt: now - 40 * DAY }),
    job('00000h', { status: { state: 'failed', cause: 'exit', reason: '' }, endedAt: now - 5 * DAY }),
    job('00000j', { deliveredAt: now - 39 * DAY, endedAt: now - 40 * DAY }),
    // Brought by another machine's agent, which has not asked for its end yet.
    job('00000k', {
      spec: { ...specOf(), token: 'abc' },
      status: { state: 'failed', cause: 'exit', reason: '' },
      endedAt: now - 5 * DAY,
    }),
  ];
  const old = ['00000f', '00000g', '00000j'];
  expect(toForget(jobs, { days: 30, jobs: 100, bytes: 1e9 }, now)).toEqual(old);
  expect(toForget(jobs, { days: 30, jobs: 6, bytes: 1e9 }, now)).toEqual([...old, '00000c']);
  expect(toForget(jobs, { days: 30, jobs: 100, bytes: 1 }, now)).toEqual([...old, '00000c', '00000h']);
  expect(toLighten([job('00000a', { deliveredAt: now - DAY }), job('00000b', {})], now)).toEqual(['00000a']);
});

test('state lies where each platform wants it, and socket paths stay short', () => {
  expect(stateDirectory({}, 'linux', '/home/u')).toBe('/home/u/.local/state/cellburst');
  expect(stateDirectory({ XDG_STATE_HOME: '/s' }, 'linux', '/home/u')).toBe('/s/cellburst');
  expect(stateDirectory({}, 'darwin', '/Users/u')).toBe('/Users/u/Library/Application Support/cellburst');
  expect(stateDirectory({ CELLBURST_STATE_DIR: '/x' }, 'darwin', '/Users/u')).toBe('/x');
  const long = `/${'d'.repeat(120)}`;
  for (const state of ['/s', long]) {
    const place = agentSocket(state, { env: {}, platform: 'linux' });
    expect(Buffer.byteLength(place.path)).toBeLessThanOrEqual(103);
    expect(place.path).toContain(`v${AGENT_PROTOCOL}`);
  }
  expect(agentSocket('/s', { env: { XDG_RUNTIME_DIR: '/run/user/7' }, platform: 'linux' }).directory).toBe(
    '/run/user/7/cellburst',
  );
  expect(agentSocket('C:\\s', { env: {}, platform: 'win32' }).path).toMatch(
    new RegExp(`^\\\\\\\\\\.\\\\pipe\\\\cellburst-[0-9a-f]{12}-v${AGENT_PROTOCOL}$`),
  );
  expect(agentSocket('/s', { env: {}, protocol: AGENT_PROTOCOL + 1 }).path).not.toBe(
    agentSocket('/s', { env: {} }).path,
  );
});

test('what the platform prints of processes is read', () => {
  expect(parseStat('12 (a) b) S 1 2 3')).toEqual(['S', '1', '2', '3']);
  expect(parseCpuList('0-2,5')).toEqual([0, 1, 2, 5]);
  expect(parsePs('  1     0   1200 01:02.50\n 7 1 8 1-02:00:01\n')).toEqual([
    { pid: 1, parent: 0, memoryBytes: 1200 * 1024, cpuSeconds: 62.5 },
    { pid: 7, parent: 1, memoryBytes: 8192, cpuSeconds: 93_601 },
  ]);
});

test('a memory group is made beside our own, or below it', () => {
  expect(groupParents('0::/user.slice/user-7.slice/user@7.service/app.slice/shell.scope\n')).toEqual([
    '/user.slice/user-7.slice/user@7.service/app.slice',
    '/user.slice/user-7.slice/user@7.service/app.slice/shell.scope',
  ]);
  expect(groupParents('9:memory:/old\n0::/\n')).toEqual(['/']);
  expect(groupParents('4:memory:/only/v1\n')).toEqual([]);
});

test('the heap leaves room for buffers, and its last words are known', () => {
  expect(heapMiB(4096)).toBe(3072);
  expect(heapMiB(256)).toBe(160);
  expect(heapMiB(64)).toBe(32);
  expect(
    isHeapExhausted('FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n 1: 0x'),
  ).toBe(true);
  expect(isHeapExhausted('Error: out of memory')).toBe(false);
});

test('spool files are found by their offsets, and nothing else is', () => {
  expect(
    toSegments([
      'output.spool.9',
      'record.json',
      'output.spool',
      'output.spool.x',
      'output.spool.10',
      'output.spool.0',
    ]),
  ).toEqual([
    { file: 'output.spool', start: 0 },
    { file: 'output.spool.9', start: 9 },
    { file: 'output.spool.10', start: 10 },
  ]);
});

test('records are cut at their borders, characters are not cut at all', () => {
  const whole = Buffer.concat(
    ['a', 'grüße', 'x'.repeat(1000)].flatMap((text) => encodeOutput({ type: 'stdout', text }, 1)),
  );
  for (const step of [1, 7, 100, 5000]) {
    const pieces: Buffer[] = [];
    const intake = new RecordIntake((records) => pieces.push(Buffer.from(records)));
    for (let at = 0; at < whole.length; at += step) intake.push(whole.subarray(at, at + step));
    expect(Buffer.concat(pieces).equals(whole)).toBe(true);
    for (const piece of pieces) {
      const reader = new OutputReader();
      expect([...reader.push(piece)].length).toBeGreaterThanOrEqual(0);
      expect(reader.pending).toBe(0);
    }
  }
  const smile = Buffer.from('a😀');
  expect([1, 2, 3, 4, 5].map((length) => wholeCharacters(smile.subarray(0, length)))).toEqual([1, 1, 1, 1, 5]);
  let text = '';
  const reader = new OutputReader();
  const intake = new TextIntake('stderr', (records) => {
    for (const { record } of reader.push(records)) if (record.type === 'stderr') text += record.text;
  });
  for (const byte of Buffer.from('ä😀ß')) intake.push(Buffer.from([byte]));
  intake.end();
  expect(text).toBe('ä😀ß');
  expect(intake.tail).toBe('ä😀ß');
});

// The kernel's own limit can only be tested where this user may make a group with one.
const hasGroups = ((): boolean => {
  const group = openMemoryGroup(`test-${process.pid}`, 64);
  group?.close();
  return group !== undefined;
})();
testUnless(hasGroups ? undefined : 'needs a delegated cgroup v2 with the memory controller')(
  'the kernel keeps a memory limit',
  async () => {
    const group = openMemoryGroup(`test-oom-${process.pid}`, 128);
    const code = 'process.stdin.once("data", () => { const keep = []; for (;;) keep.push(Buffer.alloc(1e7, 1)); })';
    const child = spawn(process.execPath, ['-e', code], { stdio: ['pipe', 'ignore', 'ignore'] });
    group?.add(child.pid ?? 0);
    child.stdin.write('go');
    const [, signal] = (await once(child, 'exit')) as unknown[];
    expect(signal).toBe('SIGKILL');
    expect(group?.wasExhausted()).toBe(true);
    group?.close();
  },
);
