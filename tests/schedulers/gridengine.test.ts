// Grid Engine's recorded answers, and the traps of its commands.
import type { NativeId } from '../../magics/protocol/job';
import { gridEngine } from '../../magics/schedulers/gridengine';
import { answerOf, briefs, cancellationOf, describeRecordings, recorded, submissionOf } from './recorded';

const SYSTEM = 'gridengine-8.1.9';
const id = (text: string) => text as NativeId;

const QUEUE: Readonly<Record<string, Record<string, string> | string>> = {
  'qstat-error-qmaster-down': 'no answer, ask again',
  'qstat-error-qmaster-hung': 'no answer, ask again',
  'qstat-xml-array-running': {
    '63': 'queued',
    '95.3': 'running on localhost',
    '95.4': 'running on localhost',
    '95.5': 'queued',
    '95.6': 'queued',
  },
  'qstat-xml-deleting': { '63': 'queued', '81': 'running on localhost' },
  'qstat-xml-empty': {},
  'qstat-xml-error-chdir': {
    '63': 'queued',
    '93': 'queued: Grid Engine could not start it and keeps it in error state. stuck',
  },
  'qstat-xml-error-exit100': {
    '63': 'queued',
    '92': 'queued: Grid Engine could not start it and keeps it in error state. stuck',
  },
  'qstat-xml-error-no-interpreter': {
    '63': 'queued',
    '91': 'queued: Grid Engine could not start it and keeps it in error state. stuck',
  },
  'qstat-xml-error-output-unwritable': {
    '63': 'queued',
    '90': 'queued: Grid Engine could not start it and keeps it in error state. stuck',
  },
  'qstat-xml-error-qmaster-down': 'no answer, ask again',
  'qstat-xml-execd-lost': { '63': 'queued', '97': 'running on localhost' },
  'qstat-xml-exit99-rescheduled': { '63': 'queued', '94': 'queued: It was put back into the queue.' },
  'qstat-xml-pending-dependency': {
    '63': 'queued',
    '76': 'running on localhost',
    '77': 'running on localhost',
    '78': 'queued: It is held, by a person or until another job ends.',
  },
  'qstat-xml-pending-held': { '63': 'queued', '76': 'queued: It is held, by a person or until another job ends.' },
  'qstat-xml-pending-no-resources': { '63': 'queued', '79': 'queued' },
  'qstat-xml-r-array-running': { '63': 'queued', '95.5': 'running on localhost', '95.6': 'running on localhost' },
  'qstat-xml-r-error-chdir': {
    '63': 'queued',
    '93': 'queued: Grid Engine could not start it and keeps it in error state. stuck',
  },
  'qstat-xml-r-pending-dependency': {
    '63': 'queued',
    '77': 'running on localhost',
    '78': 'queued: It is held, by a person or until another job ends.',
  },
  'qstat-xml-r-pending-no-resources': { '63': 'queued', '79': 'queued' },
  'qstat-xml-r-running': { '63': 'queued', '80': 'running on localhost', '81': 'running on localhost' },
  'qstat-xml-rescheduled-running': { '63': 'queued', '96': 'running on localhost' },
  'qstat-xml-running': { '63': 'queued', '80': 'running on localhost', '81': 'running on localhost' },
  'qstat-xml-suspended': { '63': 'queued', '81': 'queued: It is suspended by a person.' },
};

const HISTORY: Readonly<Record<string, Record<string, string> | string>> = {
  'qacct-array-finished': {
    '95.1': 'ended',
    '95.2': 'ended',
    '95.3': 'ended: exit 3',
    '95.4': 'ended',
    '95.5': 'ended: signal SIGKILL or cancelled',
    '95.6': 'ended: signal SIGKILL or cancelled',
  },
  'qacct-array-task': { '95.3': 'ended: exit 3' },
  'qacct-cancelled-while-pending': {},
  'qacct-cancelled': { '81': 'ended: signal SIGKILL or cancelled' },
  'qacct-completed': { '84': 'ended' },
  'qacct-error-unknown': {},
  'qacct-execd-lost-force-deleted': { '97': 'cancelled by unknown' },
  'qacct-failed-exit3': { '85': 'ended: exit 3' },
  'qacct-failed-signal11': { '86': 'ended: signal SIGSEGV' },
  'qacct-failed-signal9': { '87': 'ended: signal SIGKILL or cancelled' },
  'qacct-j-1-error-qmaster-down': { '1': 'ended' },
  'qacct-no-interpreter': { '91': 'ended: start-failed' },
  'qacct-oom-group-killed': { '89': 'ended: out-of-memory' },
  'qacct-oom-malloc-fails': { '88': 'ended: exit 1' },
  'qacct-soft-limit-s_rt': { '82': 'ended' },
  'qacct-timeout-h_rt': { '80': 'ended: time-limit' },
  'qacct-timeout-queue-limit': { '83': 'ended: signal SIGKILL' },
};

const EXPLAIN: Readonly<Record<string, string | undefined>> = {
  'qstat-j-xml-array-running': undefined,
  'qstat-j-xml-error-chdir': "can't chdir to /no/such/dir: No such file or directory",
  'qstat-j-xml-error-exit100': 'exit_status of job start = 100',
  'qstat-j-xml-error-no-interpreter':
    'execvlp(/srv/sge/spool/execd/localhost/job_scripts/91, "/srv/sge/spool/execd/localhost/job_scripts/91") failed: No such file or directory',
  'qstat-j-xml-error-output-unwritable': 'can\'t open output file "/no/such/dir/o": No such file or directory',
  'qstat-j-xml-error-unknown': undefined,
  'qstat-j-xml-execd-lost':
    'queue instance "all.q@localhost" dropped because it is temporarily not available; queue instance "short.q@localhost" dropped because it is temporarily not available; All queues dropped because of overload or full',
  'qstat-j-xml-exit99-rescheduled': undefined,
  'qstat-j-xml-pending-dependency': 'job dropped because of job dependencies',
  'qstat-j-xml-pending-held': 'Job is in hold state',
  'qstat-j-xml-pending-no-resources': 'cannot run in PE "smp" because it only offers 0 slots',
  'qstat-j-xml-running': undefined,
  'qstat-j-xml-suspended': undefined,
};

const SUBMIT: Readonly<Record<string, string>> = {
  'qsub-error-array-zero': 'refused',
  'qsub-error-bad-sge-root': 'unreachable',
  'qsub-error-invalid-array': 'accepted 68',
  'qsub-error-invalid-directive': 'refused',
  'qsub-error-invalid-hold': 'accepted 70',
  'qsub-error-invalid-name': 'refused',
  'qsub-error-invalid-option': 'refused',
  'qsub-error-invalid-pe': 'refused',
  'qsub-error-invalid-project': 'refused',
  'qsub-error-invalid-queue': 'refused',
  'qsub-error-invalid-resource-value': 'refused',
  'qsub-error-invalid-resource': 'refused',
  'qsub-error-no-script-file': 'refused',
  'qsub-error-no-sge-root': 'unreachable',
  'qsub-error-not-installed': 'refused',
  'qsub-error-queue-w-e': 'refused',
  'qsub-error-too-many-slots-w-e': 'refused',
  'qsub-error-too-many-slots': 'accepted 63',
  'qsub-error-too-much-mem': 'refused',
  'qsub-ok-sh-error-qmaster-down': 'unreachable',
  'qsub-other-user': 'accepted 74',
  'qsub-submit-array-verbose': 'accepted 54',
  'qsub-submit-array': 'accepted 53',
  'qsub-submit-stdin': 'accepted 52',
  'qsub-submit-terse': 'accepted 51',
  'qsub-submit': 'accepted 50',
  'qsub-terse-ok-sh-error-qmaster-down': 'unreachable',
};

const CANCEL: Readonly<Record<string, string>> = {
  'qdel-1-error-qmaster-down': 'not heard',
  'qdel-already-finished': 'fine',
  'qdel-array-task-t': 'fine',
  'qdel-array-task': 'fine',
  'qdel-error-not-owner': 'refused',
  'qdel-error-notnumber': 'refused',
  'qdel-error-unknown': 'fine',
  'qdel-execd-lost': 'fine',
  'qdel-force-execd-lost': 'fine',
  'qdel-pending': 'fine',
  'qdel-running': 'fine',
};

describeRecordings(SYSTEM, /^qstat-(xml|error)/, QUEUE, (recording) =>
  answerOf(() => gridEngine.parseStatus(recording)),
);
describeRecordings(SYSTEM, /^qacct-/, HISTORY, (recording) => answerOf(() => gridEngine.parseHistory(recording)));
describeRecordings(SYSTEM, /^qstat-j-xml/, EXPLAIN, (recording) => gridEngine.explain?.parse(recording));
describeRecordings(SYSTEM, /^qsub-/, SUBMIT, (recording) => submissionOf(gridEngine, recording));
describeRecordings(SYSTEM, /^qdel-/, CANCEL, (recording) => cancellationOf(gridEngine, recording));

const answer = (stdout: string, stderr = '', exitCode = 0) => ({ exitCode, stdout, stderr });
const job = (number: number, state: string, more = '') =>
  `<job_list state="x"><JB_job_number>${number}</JB_job_number><state>${state}</state>${more}</job_list>`;
const queue = (...jobs: string[]) => gridEngine.parseStatus(answer(`<job_info>${jobs.join('\n')}</job_info>`));

describe('qstat', () => {
  test.each([
    ['qw', 'queued'],
    ['hRqw', 'queued: It was put back into the queue. It is held, by a person or until another job ends.'],
    ['t', 'running'],
    ['Rr', 'running'],
    ['dr', 'running'],
    ['dRt', 'running'],
    ['dqw', 'queued: It is being deleted.'],
    ['S', 'queued: It is suspended, since its queue is.'],
    ['T', 'queued: It is suspended until the load of its node falls.'],
    ['Eqw', 'queued: Grid Engine could not start it and keeps it in error state. stuck'],
    ['Ehqw', 'queued: Grid Engine could not start it and keeps it in error state. stuck'],
    ['z', 'unknown z'],
    ['d', 'unknown d'],
    ['xqw', 'unknown xqw'],
    ['', 'unknown '],
  ])('the letters %s are read as a set', (letters, wanted) => {
    expect(briefs(queue(job(7, letters)))).toEqual({ 7: wanted });
  });
  test('the tasks of an array that wait are written as ranges', () => {
    expect([...queue(job(9, 'qw', '<tasks>2-8:3,11</tasks>')).keys()]).toEqual(['9.2', '9.5', '9.8', '9.11']);
  });
  test('a block that does not parse disturbs no other', () => {
    expect(
      briefs(
        queue(
          '<job_list><state>r</state></job_list>',
          '<job_list><JB_job_number>x</JB_job_number><state>r</state></job_list>',
          job(8, 'r'),
        ),
      ),
    ).toEqual({ 8: 'running' });
  });
  test('an answer that is no answer does not mean an empty queue', () => {
    expect(answerOf(() => gridEngine.parseStatus(answer('')))).toBe('no answer, ask again');
  });
});

describe('qacct', () => {
  const row = (fields: Record<string, string>) =>
    `==============================================================\n${Object.entries({
      jobnumber: '5',
      taskid: 'undefined',
      owner: 'alice',
      failed: '0',
      exit_status: '0',
      ru_minflt: '9',
      ...fields,
    })
      .map(([key, value]) => `${key.padEnd(13)}${value}`)
      .join('\n')}\n`;
  const history = (...rows: string[]) => briefs(gridEngine.parseHistory(answer(rows.join(''))));
  test('of several lives the last one counts', () => {
    expect(history(row({ failed: '25  : rescheduling' }), row({ exit_status: '3' }))).toEqual({ 5: 'ended: exit 3' });
    expect(history(row({ exit_status: '3' }), row({ failed: '25  : rescheduling' }))).toEqual({
      5: 'queued: It was put back into the queue.',
    });
  });
  test('where it is written who deleted the job, that is believed', () => {
    expect(history(row({ failed: '100 : assumedly after job', exit_status: '137', deleted_by: 'root@c1' }))).toEqual({
      5: 'cancelled by administrator (root@c1)',
    });
    expect(history(row({ failed: '100 : assumedly after job', exit_status: '137', deleted_by: 'alice@c1' }))).toEqual({
      5: 'cancelled by unknown (alice@c1)',
    });
  });
  test('an end that nobody told is the crash of the node', () => {
    expect(history(row({ failed: '19  : before writing exit_status' }))).toEqual({ 5: 'ended: node-lost' });
  });
  test('memory is asked for by the slot', () => {
    const limits = {
      failed: '37  : qmaster enforced h_rt, h_cpu, or h_vmem limit',
      exit_status: '137',
      slots: '4',
      ru_wallclock: '3s',
      category: '-l h_rt=0:1:0,h_vmem=100M -pe smp 4',
    };
    expect(history(row({ ...limits, maxvmem: '410.000MB' }))).toEqual({ 5: 'ended: out-of-memory' });
    expect(history(row({ ...limits, maxvmem: '390.000MB' }))).toEqual({ 5: 'ended: signal SIGKILL' });
    expect(history(row({ ...limits, maxvmem: '390.000MB', ru_wallclock: '61s' }))).toEqual({ 5: 'ended: time-limit' });
  });
  test('some jobs found and some not is an answer about those found', () => {
    expect(briefs(gridEngine.parseHistory(answer(row({}), 'error: job id 6 not found\n', 1)))).toEqual({ 5: 'ended' });
  });
  test('an accounting file that cannot be read is no answer', () => {
    expect(answerOf(() => gridEngine.parseHistory(answer('', 'error: accounting file: Permission denied\n', 1)))).toBe(
      'no answer, ask again',
    );
  });
  test('one command asks for all, each id an argument of its own', () => {
    expect(gridEngine.historyCommand([id('5'), id('6.1')]).slice(-3)).toEqual(['sh', '5', '6.1']);
  });
});

describe('searching for a job', () => {
  const [inQueue, inHistory] = gridEngine.searches('cell.cb01234567');
  test('finds only the very name', () => {
    const named = (number: number, name: string) => job(number, 'qw', `<JB_name>${name}</JB_name>`);
    expect(
      inQueue?.parse(answer(`<job_info>${named(4, 'cell.cb01234567')}${named(5, 'cell.cb01234568')}</job_info>`)),
    ).toEqual(['4']);
    expect(inHistory?.parse(answer('', 'error: job name cell.cb01234567 not found\n', 1))).toEqual([]);
  });
  test('an answer that failed is not a no', () => {
    expect(() => inQueue?.parse(recorded(SYSTEM, 'qstat-xml-error-qmaster-down'))).toThrow(/got send error/);
    expect(() => inHistory?.parse(answer('', 'error: no SGE_ROOT\n', 1))).toThrow(/SGE_ROOT/);
  });
});

test('a reply that did not arrive leaves open whether there is a job', () => {
  expect(
    submissionOf(gridEngine, answer('', 'Unable to run job: Error reading answer list from qmaster\nExiting.\n', 1)),
  ).toBe('uncertain');
  expect(
    submissionOf(
      gridEngine,
      answer('qsub: warning: "-N" option has already been set, overriding previous setting\n4\n'),
    ),
  ).toBe('accepted 4');
});
