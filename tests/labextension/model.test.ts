// What the panel makes of what it hears: pure, so without a browser.
import { applyMessage, NO_JOBS, type Jobs } from '../../labextension/src/model/jobs';
import { badgesOf } from '../../labextension/src/model/badges';
import { isClusterCell, toClusterCell } from '../../labextension/src/model/magic';
import { fieldsOf, isFirst, keyOf, toEntry, toForm } from '../../labextension/src/model/form';
import { hintsOf } from '../../labextension/src/model/hints';
import { noticesOf } from '../../labextension/src/model/notices';
import { candidatePaths, isSameNotebook } from '../../labextension/src/model/places';
import { formatBytes, formatDuration, formatMemory } from '../../labextension/src/model/quantities';
import { retryOf } from '../../labextension/src/model/retry';
import { NO_FILTER, selectJobs, type Filter } from '../../labextension/src/model/selection';
import { layTasks } from '../../labextension/src/model/task-squares';
import { FollowedUsage } from '../../labextension/src/model/followed-usage';
import { explanationOf, fractionOfTime, limitWords, lookOf, stateWord } from '../../labextension/src/model/words';
import type { JobRow, JobStatus } from '../../magics/protocol/monitor';
import { countTasks, encodeTasks, taskRuns, type TaskState } from '../../magics/protocol/tasks';

const trans = {
  __: (text: string, ...values: (string | number)[]) =>
    text.replace(/%(\d)/g, (_all, index: string) => String(values[Number(index) - 1])),
  _n: (one: string, many: string, count: number, ...values: (string | number)[]): string =>
    trans.__(count === 1 ? one : many, ...values),
};

const RUNNING: JobStatus = { state: 'running', since: 0 };
const DONE: JobStatus = { state: 'completed', outcome: 'value' };
const OUT_OF_MEMORY: JobStatus = { state: 'failed', cause: 'out-of-memory', reason: 'It used 8 GB of 8 GB.' };

function job(id: string, status: JobStatus, more: Partial<JobRow> = {}): JobRow {
  return {
    ...{ id, status, name: id, summary: 'fit()', cluster: 'local', resources: { cores: 1 } },
    origin: { client: 'kernel', pid: 1, directory: '/home/ada' },
    ...{ createdAt: 0, outputBytes: 0, droppedBytes: 0 },
    ...more,
  };
}

describe('what is known of the jobs', () => {
  const known = (jobs: JobRow[], revision = 1): Jobs => {
    const next = applyMessage(NO_JOBS, { type: 'snapshot', revision, now: 5000, jobs }, 4000);
    if (!next) throw new Error('A snapshot always fits.');
    return next;
  };

  test('a snapshot replaces everything, and tells how far the clocks are apart', () => {
    const jobs = known([job('a', RUNNING)]);
    expect([...jobs.rows.keys()]).toEqual(['a']);
    expect(jobs.clockOffset).toBe(1000);
    expect(jobs.isKnown).toBe(true);
  });

  test('a delta that follows changes and removes; one that does not follow asks for a snapshot', () => {
    const jobs = known([job('a', RUNNING), job('b', RUNNING)]);
    const delta = { type: 'delta', now: 0, changed: [job('a', DONE)], removed: ['b'] } as const;
    const next = applyMessage(jobs, { ...delta, base: 1, revision: 2 }, 0);
    expect([...(next?.rows.values() ?? [])].map(({ id, status }) => [id, status.state])).toEqual([['a', 'completed']]);
    expect(applyMessage(jobs, { ...delta, base: 7, revision: 8 }, 0)).toBeUndefined();
  });

  test('what was known stays when the home agent is lost', () => {
    const jobs = known([job('a', RUNNING)]);
    const next = applyMessage(jobs, { type: 'feed', feed: { state: 'lost', since: 1 }, clusters: [] }, 0);
    expect(next?.rows.size).toBe(1);
    expect(next?.feed.state).toBe('lost');
  });
});

describe('which jobs are listed', () => {
  const choose = (rows: JobRow[], filter: Partial<Filter> = {}, finishedShown = 20, seen: string[] = []) =>
    selectJobs(rows, {
      filter: { ...NO_FILTER, ...filter },
      notebook: 'lab/study.ipynb',
      seen: new Set(seen),
      finishedShown,
    });
  const rows = [
    job('old', DONE, { endedAt: 10 }),
    job('second', { state: 'queued' }, { createdAt: 20 }),
    job('first', { state: 'queued' }, { createdAt: 10 }),
    job('runs', RUNNING, { startedAt: 30 }),
    job('new', DONE, { endedAt: 50 }),
    job('broken', OUT_OF_MEMORY, { endedAt: 5 }),
  ];

  test('failures nobody has seen, then what runs, then what waits in its order, then the rest, newest first', () => {
    expect(choose(rows).rows.map(({ id }) => id)).toEqual(['broken', 'runs', 'first', 'second', 'new', 'old']);
    const seen = choose(rows, {}, 20, ['broken']).rows.map(({ id }) => id);
    expect(seen).toEqual(['runs', 'first', 'second', 'new', 'old', 'broken']);
  });

  test('the chips filter by state, and their counts do not depend on them', () => {
    const { rows: listed, counts } = choose(rows, { groups: new Set(['waiting'] as const) });
    expect(listed.map(({ id }) => id)).toEqual(['first', 'second']);
    expect(counts).toEqual({ running: 1, waiting: 2, failed: 1, done: 2 });
  });

  test('words are looked for in names, code, ids and places', () => {
    expect(choose(rows, { text: 'RUNS' }).rows.map(({ id }) => id)).toEqual(['runs']);
    expect(choose(rows, { text: 'fit() new' }).rows.map(({ id }) => id)).toEqual(['new']);
    expect(choose(rows, { text: 'nothing' }).rows).toEqual([]);
  });

  test('of finished jobs only the newest are listed, of others all', () => {
    const { rows: listed, hidden } = choose(rows, {}, 1);
    expect(listed.map(({ id }) => id)).toEqual(['broken', 'runs', 'first', 'second']);
    expect(hidden).toBe(2);
  });

  test('the jobs of this notebook are found by the path on disk or by the path of Jupyter', () => {
    const origin = (notebook: string) => ({ origin: { client: 'kernel', pid: 1, directory: '/', notebook } }) as const;
    const mine = [
      job('disk', RUNNING, origin('/home/ada/lab/study.ipynb')),
      job('path', RUNNING, origin('lab/study.ipynb')),
      job('other', RUNNING, origin('/home/ada/lab/a-study.ipynb')),
      job('cli', RUNNING),
    ];
    const listed = choose(mine, { scope: 'notebook' }).rows.map(({ id }) => id);
    expect(listed).toEqual(['disk', 'path']);
  });
});

describe('words', () => {
  test.each<[string, JobStatus, Partial<JobRow>, string]>([
    ['a job that runs', RUNNING, {}, 'Running'],
    ['one whose end was asked for', RUNNING, { cancelRequestedAt: 5 }, 'Cancelling…'],
    ['one that threw', { state: 'completed', outcome: 'error' }, {}, 'Error'],
    ['one that ran out of memory', OUT_OF_MEMORY, {}, 'Out of memory'],
    ['one that reached its time limit', { state: 'failed', cause: 'time-limit', reason: '' }, {}, 'Out of time'],
    ['one whose exit code was not 0', { state: 'failed', cause: 'exit', reason: '' }, {}, 'Failed'],
    ['one in a state we do not know', { state: 'unknown', raw: 'SPECIAL_EXIT' }, {}, 'Unknown'],
  ])('%s has a word of its own', (_what, status, more, word) => {
    const row = job('a', status, more);
    expect(stateWord(row, lookOf(row), trans)).toBe(word);
  });

  test('a state of a newer version is unknown, and nothing breaks', () => {
    const row = job('a', { state: 'suspended' } as unknown as JobStatus);
    expect(lookOf(row)).toBe('unknown');
    expect(explanationOf(row, 'unknown', trans)).toBeUndefined();
  });

  test('the raw word of a scheduler is told', () => {
    const row = job('a', { state: 'unknown', raw: 'SPECIAL_EXIT' });
    expect(explanationOf(row, 'unknown', trans)).toContain('SPECIAL_EXIT');
  });

  test('the limit is told while it matters', () => {
    const limited = { resources: { cores: 1, wallTimeSeconds: 7200 }, startedAt: 0 };
    expect(limitWords(job('a', RUNNING, limited), 3_723_000)).toBe('1:02:03 / 2:00:00');
    expect(limitWords(job('a', DONE, { ...limited, endedAt: 7000 }), 9_999_000)).toBe('0:07');
    expect(fractionOfTime(job('a', RUNNING, limited), 3_600_000)).toBe(0.5);
  });

  test.each([
    [formatDuration(0.4), '0:00'],
    [formatDuration(59.9), '0:59'],
    [formatDuration(3600), '1:00:00'],
    [formatDuration(3 * 86_400 + 4 * 3600), '3 d 04:00'],
    [formatMemory(512), '512 MB'],
    [formatMemory(1536), '1.5 GB'],
    [formatBytes(999), '999 B'],
    [formatBytes(2_500_000), '2.5 MB'],
  ])('%s reads as %s', (shown, wanted) => {
    expect(shown).toBe(wanted);
  });
});

describe('what to do next', () => {
  test.each<[string, JobRow, object | undefined]>([
    ['twice the memory', job('a', OUT_OF_MEMORY, { resources: { cores: 1, memoryMiB: 8192 } }), { memoryMiB: 16_384 }],
    [
      'twice the peak where nothing was asked for',
      job('a', OUT_OF_MEMORY, { usage: { peakMemoryMiB: 1500, cpuSeconds: 1, elapsedSeconds: 1 } }),
      { memoryMiB: 3072 },
    ],
    [
      'twice the time',
      job('a', { state: 'failed', cause: 'time-limit', reason: '' }, { resources: { cores: 1, wallTimeSeconds: 60 } }),
      { wallTimeSeconds: 120 },
    ],
    ['the same after a lost machine', job('a', { state: 'failed', cause: 'node-lost', reason: '' }), {}],
    ['nothing after success', job('a', DONE), undefined],
    ['nothing while it runs', job('a', RUNNING), undefined],
  ])('a retry asks for %s', (_what, row, resources) => {
    expect(retryOf(row)).toEqual(resources);
  });

  test('a cell carries the badge of its newest job, unless its output says all', () => {
    const at = (createdAt: number) => ({ createdAt, origin: { ...job('a', DONE).origin, cellId: 'c1' } });
    expect([...badgesOf([job('old', OUT_OF_MEMORY, at(1)), job('new', RUNNING, at(2))]).values()][0]?.id).toBe('new');
    expect(badgesOf([job('a', DONE, { ...at(1), deliveredAt: 5 })]).size).toBe(0);
    expect(badgesOf([job('a', DONE, at(1))]).size).toBe(1);
    expect(badgesOf([job('a', RUNNING)]).size).toBe(0);
  });

  test('only ends that we saw, that took long and that are wanted are news', () => {
    const settings = { success: true, failure: true, minSeconds: 30 };
    const map = (...rows: JobRow[]) => new Map(rows.map((row) => [row.id, row]));
    const long = { submittedAt: 0, endedAt: 60_000 };
    const before = map(job('a', RUNNING), job('b', RUNNING), job('c', RUNNING), job('d', DONE));
    const after = map(
      job('a', DONE, long),
      job('b', DONE, { submittedAt: 0, endedAt: 3000 }),
      job('c', OUT_OF_MEMORY, long),
      job('d', DONE, long),
      job('never-seen-running', DONE, long),
      job('e', { state: 'cancelled', by: 'user' }, long),
    );
    expect(noticesOf(before, after, settings).map(({ kind, row }) => [kind, row.id])).toEqual([
      ['success', 'a'],
      ['failure', 'c'],
    ]);
    expect(noticesOf(before, after, { ...settings, success: false })).toHaveLength(1);
  });

  test('a cell gets its %%cluster line once', () => {
    expect(toClusterCell('1 + 1')).toBe('%%cluster\n1 + 1');
    expect(toClusterCell('%%cluster --cores 8\n1 + 1')).toBe('%%cluster --cores 8\n1 + 1');
    expect(isClusterCell('%%clusters')).toBe(false);
  });
});

describe('places', () => {
  test('a path on disk is looked for below the root first, then by ever shorter ends', () => {
    expect(candidatePaths('/home/ada/lab/study.ipynb', '~/lab')).toEqual([
      'study.ipynb',
      'home/ada/lab/study.ipynb',
      'ada/lab/study.ipynb',
      'lab/study.ipynb',
    ]);
    expect(candidatePaths('C:\\ada\\study.ipynb', 'C:/ada')[0]).toBe('study.ipynb');
  });

  test('drives of JupyterLab are no part of a path', () => {
    expect(isSameNotebook('/home/ada/lab/a.ipynb', 'RTC:lab/a.ipynb')).toBe(true);
    expect(isSameNotebook(undefined, 'a.ipynb')).toBe(false);
  });
});

describe('arrays', () => {
  test('ten thousand tasks are one short text, and come back as they were', () => {
    const states: TaskState[] = Array.from({ length: 10_000 }, (_none, index) =>
      index < 4000 ? 'completed' : index === 4000 ? 'failed' : index < 4016 ? 'running' : 'queued',
    );
    const array = encodeTasks(states);
    expect(array).toEqual({ total: 10_000, runs: 'C4000F1R15Q5984' });
    expect(taskRuns(array).flatMap(({ state, length }) => Array<TaskState>(length).fill(state))).toEqual(states);
    expect(countTasks(array)).toMatchObject({ completed: 4000, failed: 1, running: 15, queued: 5984, unknown: 0 });
  });

  test.each([
    ['letters of a newer version', { total: 3, runs: 'C1Z2' }, [1, 2]],
    ['a text that says too little', { total: 5, runs: 'C2' }, [2, 3]],
    ['a text that says too much', { total: 2, runs: 'C99' }, [2]],
    ['nonsense', { total: 2, runs: '!' }, [2]],
  ])('%s is read as far as it goes', (_what, array, lengths) => {
    expect(taskRuns(array).map(({ length }) => length)).toEqual(lengths);
  });
});

describe('squares of an array', () => {
  const array = encodeTasks([
    ...Array<TaskState>(10).fill('completed'),
    'failed',
    ...Array<TaskState>(5).fill('running'),
    ...Array<TaskState>(9).fill('queued'),
  ]);

  test('there is one for each task where there is room', () => {
    const { squares, tasksPerSquare } = layTasks(array, 5, 5);
    expect([squares.length, tasksPerSquare]).toEqual([25, 1]);
    expect(squares[10]).toEqual({ state: 'failed', first: 10, last: 10 });
  });

  test('where there is none, tasks share one, and what a person should see counts', () => {
    const { squares, tasksPerSquare } = layTasks(array, 3, 2);
    expect(tasksPerSquare).toBe(5);
    expect(squares.map(({ state, first, last }) => `${state} ${first}-${last}`)).toEqual([
      'completed 0-4',
      'completed 5-9',
      'failed 10-14',
      'running 15-19',
      'queued 20-24',
    ]);
  });
});

describe('hints', () => {
  const used = (resources: JobRow['resources'], peakMemoryMiB: number, cpuSeconds: number) =>
    hintsOf(job('a', DONE, { resources, usage: { peakMemoryMiB, cpuSeconds, elapsedSeconds: 600 } }), trans);

  test('what was asked for and hardly used is told, for memory, cores and time', () => {
    expect(used({ cores: 1, memoryMiB: 65_536 }, 3072, 550)).toEqual([
      'Asked for 64 GB, used 3 GB: less waits shorter.',
    ]);
    expect(used({ cores: 16 }, 100, 700)).toEqual(['Asked for 16 cores, kept 1 busy: fewer wait shorter.']);
    expect(used({ cores: 1, wallTimeSeconds: 86_400 }, 100, 590)).toEqual([
      'Asked for 1 d 00:00, took 10:00: less waits shorter.',
    ]);
    expect(used({ cores: 4, memoryMiB: 8192, wallTimeSeconds: 900 }, 5000, 2000)).toEqual([]);
  });

  test('a job that failed, or was over at once, is no measure', () => {
    const usage = { peakMemoryMiB: 10, cpuSeconds: 0, elapsedSeconds: 3 };
    const resources = { cores: 8, memoryMiB: 65_536 };
    expect(hintsOf(job('a', DONE, { resources, usage }), trans)).toEqual([]);
    expect(hintsOf(job('a', OUT_OF_MEMORY, { resources, usage: { ...usage, elapsedSeconds: 600 } }), trans)).toEqual(
      [],
    );
  });
});

describe('the form of a cluster', () => {
  const schema = {
    type: 'object',
    properties: {
      scheduler: { type: 'string', enum: ['slurm', 'none'], description: 'What accepts the jobs.' },
      setup: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
      partition: { type: 'string' },
      poll: { type: 'object', properties: { first: { anyOf: [{ type: 'string' }, { type: 'number' }] } } },
      defaults: { type: 'object', properties: { cores: { type: 'integer' }, memory: { anyOf: [{ type: 'string' }] } } },
    },
  };
  const fields = fieldsOf(schema, {});

  test('has a field for each key of the schema, those of objects in it among them', () => {
    expect(fields.map(({ path, kind }) => `${keyOf(path)}: ${kind}`)).toEqual([
      'scheduler: choice',
      'setup: lines',
      'poll.first: text',
      'defaults.cores: number',
      'defaults.memory: text',
    ]);
    expect(fields.filter(isFirst).map(({ path }) => keyOf(path))).not.toContain('poll.first');
    expect(fields[0]).toMatchObject({ help: 'What accepts the jobs.', choices: ['slurm', 'none'] });
    expect(fieldsOf(schema, { partition: 'long' }).map(({ path }) => keyOf(path))).toContain('partition');
  });

  test('gives the entry as it was where nothing was touched, and leaves out what is empty', () => {
    const entry = { scheduler: 'slurm', setup: 'module load slurm', defaults: { cores: '4', memory: '4 GB' } };
    const form = toForm(fields, entry);
    expect(toEntry(fields, form, entry)).toEqual(entry);
    const changed = {
      ...form,
      setup: 'module load slurm\nulimit -n 4096\n',
      'defaults.cores': '8',
      'defaults.memory': ' ',
    };
    expect(toEntry(fields, changed, entry)).toEqual({
      scheduler: 'slurm',
      setup: ['module load slurm', 'ulimit -n 4096'],
      defaults: { cores: 8 },
    });
  });

  test('sends on what is no number: the kernel says what is wrong with it', () => {
    expect(toEntry(fields, { 'defaults.cores': 'many' }, {})).toEqual({ defaults: { cores: 'many' } });
  });
});

test('the line of what a job uses grows, and begins anew when its step has doubled', () => {
  const usage = new FollowedUsage('a', () => undefined);
  const points = (from: number, stepSeconds: number, cores: number[]) => {
    usage.receive({ type: 'measured', job: 'a', from, stepSeconds, cores, memoryMiB: cores.map((c) => c * 10) });
  };
  points(0, 2, [1, 2]);
  points(2, 2, [3]);
  expect(usage.samples.value).toEqual({ stepSeconds: 2, cores: [1, 2, 3], memoryMiB: [10, 20, 30] });
  // Of a conversation that was lost meanwhile.
  points(9, 2, [7]);
  expect(usage.samples.value?.cores).toEqual([1, 2, 3]);
  points(0, 4, [1.5, 3]);
  expect(usage.samples.value).toEqual({ stepSeconds: 4, cores: [1.5, 3], memoryMiB: [15, 30] });
});
