// OpenPBS's recorded answers to our own questions, and the traps of its commands. No PBS is run by these tests.
import { toNativeId } from '../../magics/schedulers/answer';
import { pbs } from '../../magics/schedulers/pbs';
import { answerOf, brief, briefs, cancellationOf, describeRecordings, recorded, submissionOf } from './recorded';

const SYSTEM = 'openpbs-23.06';

const QUEUE: Readonly<Record<string, Record<string, string> | string>> = {
  'status-after-server-restart': { '240.c1': 'running on c1' },
  'status-all-nodes-down': { '238.c1': 'queued: Not Running: Not enough free nodes available' },
  'status-array-tasks': {
    '230[].c1': 'running',
    '230[0].c1': 'running on c1',
    '230[1].c1': 'running on c1',
    '230[2].c1': 'queued: Job Array Began at Fri Nov 20 at 21:33',
    '230[3].c1': 'queued: Job Array Began at Fri Nov 20 at 21:33',
  },
  'status-array': { '230[].c1': 'running' },
  'status-bad-id': 'no answer, ask again',
  'status-ended': {},
  'status-failed-starts': {
    '220.c1':
      'queued: PBS holds it, since no node could start it. Is the directory of its log (the cluster’s `store:`) there on the compute nodes, too? stuck',
  },
  'status-held-by-operator': { '209.c1': 'queued: It is held by its user. It is held by an operator.' },
  'status-held-by-user': { '208.c1': 'queued: It is held by its user.' },
  'status-held-depend': { '211.c1': 'queued: It is held until another job ends, or by the server.' },
  'status-mixed': { '203.c1': 'running on c1', '208.c1': 'queued: It is held by its user.' },
  'status-never-cores': {
    '214.c1': 'queued: Can Never Run: Insufficient amount of resource: ncpus (R: 100 A: 64 T: 64) stuck',
  },
  'status-never-memory': {
    '216.c1': 'queued: Can Never Run: Insufficient amount of resource: mem (R: 100gb A: 16gb T: 16gb) stuck',
  },
  'status-never-nodes': { '215.c1': 'queued: Can Never Run: Not enough total nodes available stuck' },
  'status-no-history': { '203.c1': 'running on c1' },
  'status-node-down': { '237.c1': 'running on c1' },
  'status-nodes': { '207.c1': 'running on c1' },
  'status-not-now-exclusive': { '219.c1': 'queued: Not Running: No available resources on nodes' },
  'status-not-now': { '218.c1': 'queued: Not Running: Insufficient amount of resource: ncpus (R: 40 A: 6 T: 64)' },
  'status-other-server': 'no answer, ask again',
  'status-queue-stopped': { '223.c1': 'queued: Not Running: Queue not started.' },
  'status-reservation': { '233.c1': 'queued: Not Running: Queue not started.' },
  'status-running': { '203.c1': 'running on c1' },
  'status-server-down': 'no answer, ask again',
  'status-server-hung': 'no answer, ask again',
  'status-suspended': { '206.c1': 'queued: It is suspended.' },
  'status-unknown': {},
  'status-user-limit': { '226.c1': 'queued: Not Running: User has reached server running job limit.' },
  'status-waits': { '213.c1': 'queued: It waits for its start time.' },
};

const HISTORY: Readonly<Record<string, Record<string, string> | string>> = {
  'history-alive': { '203.c1': 'running on c1' },
  'history-array-tasks': {
    '230[].c1': 'ended: exit',
    '230[0].c1': 'ended',
    '230[1].c1': 'ended',
    '230[2].c1': 'ended: exit 1',
    '230[3].c1': 'ended',
  },
  'history-array': { '230[].c1': 'ended: exit' },
  'history-cpu-time': { '236.c1': 'ended: signal SIGKILL' },
  'history-deleted-by-operator': { '205.c1': 'cancelled by administrator (olga@c1)' },
  'history-deleted-queued': { '210.c1': 'cancelled by unknown' },
  'history-deleted-running': { '204.c1': 'cancelled by unknown (alice@c1)' },
  'history-depend-failed': { '242.c1': 'ended: start-failed' },
  'history-exit3': { '197.c1': 'ended: exit 3' },
  'history-memory': { '234.c1': 'ended: out-of-memory' },
  'history-mixed': { '196.c1': 'ended', '197.c1': 'ended: exit 3', '198.c1': 'ended: signal SIGSEGV' },
  'history-no-command': { '200.c1': 'ended: exit 127' },
  'history-node-lost': { '237.c1': 'ended: node-lost' },
  'history-node-restarted': { '239.c1': 'ended: node-lost' },
  'history-none-kept': { '196.c1': 'ended: runner-lost …', '197.c1': 'ended: runner-lost …' },
  'history-odd-values': { '221.c1': 'ended' },
  'history-ok': { '196.c1': 'ended' },
  'history-reservation': { '233.c1': 'ended' },
  'history-server-down': 'no answer, ask again',
  'history-sigkill': { '199.c1': 'ended: signal SIGKILL' },
  'history-sigsegv': { '198.c1': 'ended: signal SIGSEGV' },
  'history-unknown': {},
  'history-walltime-ignored': { '202.c1': 'ended: time-limit' },
  'history-walltime': { '201.c1': 'ended: time-limit' },
};

const SUBMIT: Readonly<Record<string, string>> = {
  'qsub-3MB-script': 'accepted 33.c1',
  'qsub-array': 'accepted 20[].c1',
  'qsub-bad-mem': 'refused',
  'qsub-bad-name': 'refused',
  'qsub-bad-option': 'refused',
  'qsub-bad-project': 'refused',
  'qsub-bad-select': 'refused',
  'qsub-bad-walltime': 'refused',
  'qsub-long-name': 'refused',
  'qsub-mem-and-select': 'refused',
  'qsub-neg': 'refused',
  'qsub-ngpus': 'refused',
  'qsub-no-script': 'refused',
  'qsub-ok': 'accepted 1.c1',
  'qsub-over-queue-limit': 'refused',
  'qsub-place-alone': 'refused',
  'qsub-queue-closed': 'refused',
  'qsub-queue-of-others': 'refused',
  'qsub-server-down': 'unreachable',
  'qsub-server-hung': 'uncertain',
  'qsub-too-many': 'refused',
  'qsub-unknown-queue': 'refused',
  'qsub-unknown-reservation': 'refused',
  'qsub-unknown-resource-l': 'refused',
  'qsub-unknown-resource': 'refused',
};

const CANCEL: Readonly<Record<string, string>> = {
  'qdel-Wforce': 'fine',
  'qdel-array': 'fine',
  'qdel-bad-id': 'refused',
  'qdel-finished': 'fine',
  'qdel-not-ours': 'refused',
  'qdel-queued': 'fine',
  'qdel-running': 'fine',
  'qdel-server-down': 'not heard',
  'qdel-subjob-range': 'fine',
  'qdel-subjob': 'fine',
  'qdel-unknown-short': 'fine',
  'qdel-unknown': 'fine',
  'qdel-x-finished': 'fine',
};

/** What became of a hold or a release. */
const CHANGE: Readonly<Record<string, string>> = {
  'change-hold-not-ours': 'Unauthorized Request',
  'change-hold-server-down': 'cannot connect to server',
  'change-hold-unknown': 'Unknown Job Id',
  'change-release-ended': 'Job has finished',
};

const FOUND: Readonly<Record<string, number | string>> = {
  qselect: 15,
  'qselect-history': 26,
  'qselect-none': 0,
  'qselect-none-kept': 0,
  'qselect-server-down': 'no answer',
};

const [queueSearch, historySearch] = pbs.searches('cell.cb01234567');

describeRecordings(SYSTEM, /^status-/, QUEUE, (recording) => answerOf(() => pbs.parseStatus(recording)));
describeRecordings(SYSTEM, /^history-/, HISTORY, (recording) => answerOf(() => pbs.parseHistory(recording)));
describeRecordings(SYSTEM, /^qsub-/, SUBMIT, (recording) => submissionOf(pbs, recording));
describeRecordings(SYSTEM, /^qdel-/, CANCEL, (recording) => cancellationOf(pbs, recording));
describeRecordings(SYSTEM, /^change-/, CHANGE, (recording) => {
  expect(() => {
    pbs.confirmChange('release', recording);
  }).toThrow(/did not release the job/);
  return (
    /(?:Job has finished|Unknown Job Id|Unauthorized Request|cannot connect to server)/.exec(recording.stderr)?.[0] ??
    ''
  );
});
describeRecordings(SYSTEM, /^qselect/, FOUND, (recording) => {
  try {
    return historySearch?.parse(recording).length ?? -1;
  } catch {
    return 'no answer';
  }
});

const answer = (stdout: string, stderr = '', exitCode = 0) => ({ exitCode, stdout, stderr });
const lineOf = (fields: Readonly<Record<string, string | number>>) =>
  `Job Id: 1.c1${Object.entries(fields)
    .map(([name, value]) => `|${name}=${value}`)
    .join('')}\n`;
const jobs = (fields: Readonly<Record<string, string | number>>) => briefs(pbs.parseStatus(answer(lineOf(fields))));

describe('qstat', () => {
  test('answers about several jobs at once, of which some are gone', () => {
    expect(pbs.statusCommand([]).join(' ')).toBe('env TZ=UTC qstat -f -F dsv');
    expect(pbs.historyCommand([]).join(' ')).toBe('env TZ=UTC qstat -x -f -F dsv');
    expect(recorded(SYSTEM, 'status-mixed').command).toBe('qstat -f -F dsv 196.c1 203.c1 99999.c1 208.c1');
    expect(recorded(SYSTEM, 'status-mixed').exitCode).toBe(153);
  });
  test('the start that PBS plans is told', () => {
    const at = (time: string) =>
      [...pbs.parseStatus(answer(lineOf({ job_state: 'Q', 'estimated.start_time': time }))).values()][0]?.expectedStart;
    expect(at('Fri Nov 20 12:34:00 2026')).toBe(Date.UTC(2026, 10, 20, 12, 34));
    expect(at('UNKNOWN')).toBeUndefined();
  });
  test('a state that is new to us is unknown, and no end', () => {
    expect(jobs({ job_state: '?' })).toEqual({ '1.c1': 'unknown ?' });
    expect(jobs({ job_state: 'M' })).toEqual({ '1.c1': 'unknown M: moved to another server' });
    expect(jobs({ Job_Name: 'cell' })).toEqual({ '1.c1': 'unknown ' });
  });
  test('a time limit is one though somebody could have asked for the end as well', () => {
    expect(
      jobs({ job_state: 'F', substate: 93, Exit_status: 271, comment: 'Job run and exceeded resource walltime' }),
    ).toEqual({ '1.c1': 'ended: time-limit' });
  });
  test('a signal that ended the job’s shell is 256 and its number', () => {
    expect(jobs({ job_state: 'F', substate: 93, Exit_status: 256 + 15 })).toEqual({ '1.c1': 'ended: signal SIGTERM' });
  });
  test('a number of PBS’s own for an end is never an exit code', () => {
    for (let status = -1; status > -40; status -= 1)
      expect(jobs({ job_state: 'F', substate: 93, Exit_status: status })['1.c1']).toMatch(
        /^(ended: (start-failed|node-lost|out-of-memory|time-limit|signal)|cancelled by administrator)/,
      );
  });
  test('what a user’s variables hold is no field of the answer', () => {
    const { stdout } = recorded(SYSTEM, 'history-odd-values');
    expect(stdout).toContain(String.raw`A=a\|job_state=R\|b`);
    expect(
      jobs({ job_state: 'F', substate: 92, Variable_List: String.raw`A=\|job_state=R\\`, Exit_status: 0 }),
    ).toEqual({
      '1.c1': 'ended',
    });
  });
  test('a banner before the answer does no harm', () => {
    expect(briefs(pbs.parseStatus(answer(`Welcome!\n${recorded(SYSTEM, 'status-running').stdout}`)))).toEqual({
      '203.c1': 'running on c1',
    });
  });
  test('the reason of a job that no node could start names the store', () => {
    const [found] = pbs.parseStatus(recorded(SYSTEM, 'status-failed-starts')).values();
    expect(found?.stuck).toBe(true);
    expect(found === undefined ? '' : brief(found)).toContain('`store:`');
    expect(found?.words).toBe('H: job held, too many failed attempts to run');
  });
});

describe('where the server keeps no history', () => {
  test('a job that has ended is lost, unless its files tell more, and one that lives is seen', () => {
    const lost = pbs.parseHistory(recorded(SYSTEM, 'history-none-kept')).get(toNativeId('196.c1'));
    expect(lost).toMatchObject({ provisional: true, sighting: { explanation: { cause: 'runner-lost' } } });
    expect(answerOf(() => pbs.parseStatus(recorded(SYSTEM, 'status-no-history')))).toEqual({
      '203.c1': 'running on c1',
    });
  });
  test('a job is looked for in the queue as well, since the history answers nothing, with exit code 0', () => {
    expect(recorded(SYSTEM, 'qselect-none-kept').exitCode).toBe(0);
    expect(queueSearch?.command).toEqual(['qselect', '-N', 'cell.cb01234567']);
    expect(historySearch?.command).toEqual(['qselect', '-x', '-N', 'cell.cb01234567']);
    expect(queueSearch?.parse(recorded(SYSTEM, 'qselect'))).toContain('203.c1');
  });
});

test('the doctor tells of queues, and whether the server keeps history', () => {
  const said = (name: string) => pbs.probes.map((probe) => probe.read(recorded(SYSTEM, name)));
  expect(said('probe-queues')[0]).toBe('queues: workq, small');
  expect(said('probe-server')[1]).toBe('kept for 24:00:00');
  expect(said('probe-server-none-kept')[1]).toBeUndefined();
  expect(said('probe-server-down')).toEqual([undefined, undefined]);
});

test('what would take the job out of our hands is no native argument', () => {
  const job = {
    ...{ token: 'cb0123456789', name: 'cell', directory: '/jobs/1', command: ['true'] as const, environment: {} },
    ...{ resources: { cores: 1 }, site: {} },
  };
  const submit = (...native: string[]) => pbs.submitCommand({ ...job, native }, '/jobs/1/script');
  for (const taken of [
    ['-o/dev/null'],
    ['-Nmine'],
    ['-J', '0-3'],
    ['-W', 'block=true'],
    ['-Wumask=22,block=true'],
    ['-I'],
  ])
    expect(() => submit(...taken)).toThrow(/Cellburst sets it/);
  expect(submit('-W', 'group_list=staff', '-p', '10').slice(0, 5)).toEqual([
    'qsub',
    '-W',
    'group_list=staff',
    '-p',
    '10',
  ]);
});

describe('the log tells of', () => {
  test.each([
    ['the time limit', 'wall-output', 'time-limit'],
    ['the time limit, when the job did not listen', 'wall2-output', 'time-limit'],
    ['the memory limit', 'memhog-output', 'out-of-memory'],
  ])('%s', (_, name, cause) => {
    expect(pbs.explainLog(recorded(SYSTEM, name).stdout)?.cause).toBe(cause);
  });
});
