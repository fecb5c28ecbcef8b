// OpenPBS's recorded answers, and the traps of its commands. No PBS is run by these tests.
import { pbs } from '../../magics/schedulers/pbs';
import { answerOf, briefs, cancellationOf, describeRecordings, recorded, submissionOf } from './recorded';

const SYSTEM = 'openpbs-23.06';

const JOBS: Readonly<Record<string, Record<string, string> | string>> = {
  'qstat-bad-id': 'no answer, ask again',
  'qstat-f-json-F-deleted-force': { '7.c1': 'running on c1' },
  'qstat-f-json-F-ok': {},
  'qstat-f-json-H-depend': { '12.c1': 'queued: It is held until another job ends, or by the server.' },
  'qstat-f-json-H-user': { '9.c1': 'queued: It is held by its user.' },
  'qstat-f-json-Q-never-fits': {
    '8.c1': 'queued: Can Never Run: Insufficient amount of resource: ncpus (R: 64 A: 4 T: 4) stuck',
  },
  'qstat-f-json-Q': { '6.c1': 'queued: Not Running: Not enough free nodes available' },
  'qstat-f-json-R-joined-kept': { '25.c1': 'running on c1' },
  'qstat-f-json-R': { '1.c1': 'running on c1' },
  'qstat-f-json-W': { '10.c1': 'queued: It waits for its start time.' },
  'qstat-f-json-array-running': { '20[].c1': 'running' },
  'qstat-json-none': {},
  'qstat-mixed': { '0.c1': 'ended' },
  'qstat-server-down': 'no answer, ask again',
  'qstat-tf-json-array-running': {
    '20[].c1': 'running',
    '20[0].c1': 'running on c1',
    '20[1].c1': 'running on c1',
    '20[2].c1': 'running on c1',
    '20[3].c1': 'running on c1',
  },
  'qstat-unknown': {},
  'qstat-x-json-all': {
    '0.c1': 'ended',
    '1.c1': 'ended',
    '2.c1': 'ended: exit 3',
    '3.c1': 'ended: signal SIGSEGV',
    '4.c1': 'ended: exit 127',
    '6.c1': 'cancelled by unknown',
    '7.c1': 'cancelled by unknown (alice@c1)',
    '8.c1': 'cancelled by unknown',
    '9.c1': 'ended',
    '10.c1': 'cancelled by unknown',
    '11.c1': 'ended: exit 3',
    '12.c1': 'ended: start-failed',
    '13.c1': 'ended',
  },
  'qstat-x-unknown': {},
  'qstat-xf-json-F-afterany': { '13.c1': 'ended' },
  'qstat-xf-json-F-cmd-not-found': { '4.c1': 'ended: exit 127' },
  'qstat-xf-json-F-deleted-force': { '7.c1': 'cancelled by unknown (alice@c1)' },
  'qstat-xf-json-F-deleted-queued': { '6.c1': 'cancelled by unknown' },
  'qstat-xf-json-F-deleted-running': { '5.c1': 'cancelled by unknown (alice@c1)' },
  'qstat-xf-json-F-direct-command': { '26.c1': 'ended' },
  'qstat-xf-json-F-exit3': { '2.c1': 'ended: exit 3' },
  'qstat-xf-json-F-memory-exceeded': { '22.c1': 'ended: out-of-memory' },
  'qstat-xf-json-F-ok': { '1.c1': 'ended' },
  'qstat-xf-json-F-sigsegv': { '3.c1': 'ended: signal SIGSEGV' },
  'qstat-xf-json-F-undeliverable-output': { '27.c1': 'ended' },
  'qstat-xf-json-F-walltime-exceeded-SIGKILL': { '24.c1': 'ended: time-limit' },
  'qstat-xf-json-F-walltime-exceeded': { '23.c1': 'ended: time-limit' },
  'qstat-xf-json-H-depend': { '12.c1': 'queued: It is held until another job ends, or by the server.' },
  'qstat-xf-json-H-user': { '9.c1': 'queued: It is held by its user.' },
  'qstat-xf-json-Q-never-fits': {
    '8.c1': 'queued: Can Never Run: Insufficient amount of resource: ncpus (R: 64 A: 4 T: 4) stuck',
  },
  'qstat-xf-json-Q': { '6.c1': 'queued: Not Running: Not enough free nodes available' },
  'qstat-xf-json-R-joined-kept': { '25.c1': 'running on c1' },
  'qstat-xf-json-R': { '1.c1': 'running on c1' },
  'qstat-xf-json-W': { '10.c1': 'queued: It waits for its start time.' },
  'qstat-xf-json-after-dep-failed': { '12.c1': 'ended: start-failed' },
  'qstat-xf-json-after-server-restart': { '29.c1': 'running on c1' },
  'qstat-xf-json-array-finished': { '20[].c1': 'ended: exit' },
  'qstat-xf-json-edge-values': { '31.c1': 'ended' },
  'qstat-xf-json-subjob': { '20[2].c1': 'ended: exit 3' },
  'qstat-xtf-json-array-deleted': {
    '21[].c1': 'cancelled by unknown',
    '21[0].c1': 'cancelled by unknown (alice@c1)',
    '21[1].c1': 'cancelled by unknown (alice@c1)',
    '21[2].c1': 'cancelled by unknown',
    '21[3].c1': 'cancelled by unknown',
    '21[4].c1': 'cancelled by unknown',
    '21[5].c1': 'cancelled by unknown',
    '21[6].c1': 'cancelled by unknown',
    '21[7].c1': 'cancelled by unknown',
    '21[8].c1': 'cancelled by unknown',
    '21[9].c1': 'cancelled by unknown',
  },
  'qstat-xtf-json-array-finished': {
    '20[].c1': 'ended: exit',
    '20[0].c1': 'ended',
    '20[1].c1': 'ended',
    '20[2].c1': 'ended: exit 3',
    '20[3].c1': 'ended',
  },
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
  'qsub-neg': 'refused',
  'qsub-ngpus': 'refused',
  'qsub-no-script': 'refused',
  'qsub-ok': 'accepted 1.c1',
  'qsub-over-queue-limit': 'refused',
  'qsub-server-down': 'unreachable',
  'qsub-unknown-queue': 'refused',
  'qsub-unknown-resource-l': 'refused',
  'qsub-unknown-resource': 'refused',
};

const CANCEL: Readonly<Record<string, string>> = {
  'qdel-Wforce': 'fine',
  'qdel-array': 'fine',
  'qdel-bad-id': 'refused',
  'qdel-finished': 'fine',
  'qdel-queued': 'fine',
  'qdel-running': 'fine',
  'qdel-server-down': 'not heard',
  'qdel-subjob-range': 'fine',
  'qdel-subjob': 'fine',
  'qdel-unknown-short': 'fine',
  'qdel-unknown': 'fine',
  'qdel-x-finished': 'fine',
};

describeRecordings(SYSTEM, /^qstat-/, JOBS, (recording) => answerOf(() => pbs.parseStatus(recording)));
describeRecordings(SYSTEM, /^qsub-/, SUBMIT, (recording) => submissionOf(pbs, recording));
describeRecordings(SYSTEM, /^qdel-/, CANCEL, (recording) => cancellationOf(pbs, recording));

const answer = (stdout: string, stderr = '', exitCode = 0) => ({ exitCode, stdout, stderr });
const jobs = (fields: Record<string, unknown>) =>
  briefs(pbs.parseStatus(answer(JSON.stringify({ Jobs: { '1.c1': fields } }))));

describe('qstat', () => {
  test('the start that PBS plans is told, as a date and as seconds', () => {
    const at = (start_time: unknown) =>
      [
        ...pbs
          .parseStatus(answer(JSON.stringify({ Jobs: { '1.c1': { job_state: 'Q', estimated: { start_time } } } })))
          .values(),
      ][0]?.expectedStart;
    expect(at('Fri Nov 20 12:34:00 2026')).toBe(Date.UTC(2026, 10, 20, 12, 34));
    expect(at(1_795_000_000)).toBe(1_795_000_000_000);
    expect(at('soon')).toBeUndefined();
  });
  test('a state that is new to us is unknown, and no end', () => {
    expect(jobs({ job_state: '?' })).toEqual({ '1.c1': 'unknown ?' });
    expect(jobs({ job_state: 'M' })).toEqual({ '1.c1': 'unknown M: moved to another server' });
    expect(jobs({})).toEqual({ '1.c1': 'unknown ' });
  });
  test('a job that was finished by somebody else than its owner was so by an administrator', () => {
    expect(
      jobs({
        job_state: 'F',
        substate: 91,
        Job_Owner: 'alice@c1',
        Exit_status: 271,
        comment: 'Job run and terminated by root@c1',
      }),
    ).toEqual({
      '1.c1': 'cancelled by administrator (root@c1)',
    });
  });
  test('a time limit is one though somebody could have asked for the end as well', () => {
    expect(
      jobs({ job_state: 'F', substate: 93, Exit_status: 271, comment: 'Job run and exceeded resource walltime' }),
    ).toEqual({ '1.c1': 'ended: time-limit' });
  });
  test('a signal that ended the job’s shell is 256 and its number', () => {
    expect(jobs({ job_state: 'F', substate: 93, Exit_status: 256 + 15 })).toEqual({ '1.c1': 'ended: signal SIGTERM' });
  });
  test('one job whose variables spoil the JSON spoils no answer', () => {
    const { stdout } = recorded(SYSTEM, 'qstat-x-json-all');
    const spoilt = stdout.replace(/"PBS_O_HOME":.*/, '"EVIL":\t"a\\"b\\x "c": {"job_state": "F",');
    expect(() => void JSON.parse(spoilt)).toThrow(SyntaxError);
    expect(briefs(pbs.parseStatus(answer(spoilt)))).toEqual(briefs(pbs.parseStatus(answer(stdout))));
  });
  test('with some ids unknown, the others are known', () => {
    expect(recorded(SYSTEM, 'qstat-mixed').exitCode).toBe(153);
    expect(briefs(pbs.parseStatus(recorded(SYSTEM, 'qstat-mixed')))).toEqual({ '0.c1': 'ended' });
  });
  test('a banner before the answer does no harm', () => {
    expect(briefs(pbs.parseStatus(answer(`Welcome!\n${recorded(SYSTEM, 'qstat-xf-json-R').stdout}`)))).toEqual({
      '1.c1': 'running on c1',
    });
  });
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

test('a search gives ids, and fails when nobody answered', () => {
  const [search] = pbs.searches('cell.cb01234567');
  expect(search?.command).toEqual(['qselect', '-x', '-N', 'cell.cb01234567']);
  expect(search?.parse(recorded(SYSTEM, 'qselect-x'))).toHaveLength(13);
  expect(() => search?.parse(answer('', 'qselect: cannot connect to server c1 (errno=15010)\n', 2))).toThrow(
    /cannot connect/,
  );
});
