// Slurm's recorded answers, and the traps of its commands.
import type { NativeId } from '../../magics/protocol/job';
import { slurm } from '../../magics/schedulers/slurm';
import { parseAccounting, parseQueue, type Columns } from '../../magics/schedulers/slurm-answers';
import {
  answerOf,
  askScontrol,
  brief,
  briefs,
  cancellationOf,
  describeRecordings,
  recorded,
  submissionOf,
  type Recording,
} from './recorded';

const SYSTEM = 'slurm-22.05';
const id = (text: string) => text as NativeId;

/** Which columns a recording was asked for: `squeue -o` has letters for them. */
function columnsOf({ command }: Recording): Columns {
  const long = /-O '([^']*)'/.exec(command)?.[1];
  if (long !== undefined) return long.split(',').map((field) => toColumn(field.replace(':|', '')));
  const short = /-o '([^']*)'/.exec(command)?.[1];
  if (short !== undefined) return short.split('|').map((field) => toColumn(LETTERS[field] ?? ''));
  return (/-o (\S+)/.exec(command)?.[1] ?? 'JobID').split(',').map(toColumn);
}

const LETTERS: Readonly<Record<string, string>> = {
  '%i': 'JobArrayID',
  '%T': 'State',
  '%r': 'Reason',
  '%N': 'NodeList',
  '%S': 'StartTime',
  '%e': 'EndTime',
  '%j': 'Name',
};
const KNOWN = [
  'JobArrayID',
  'JobID',
  'State',
  'Reason',
  'exit_code',
  'ExitCode',
  'NodeList',
  'StartTime',
  'Start',
  'EndTime',
  'End',
  'UID',
  'Partition',
  'Name',
  'JobName',
] as const;
const toColumn = (name: string) => KNOWN.find((known) => known === name) ?? '';

const QUEUE: Readonly<Record<string, Record<string, string> | string>> = {
  'squeue-O-array': { '17_0': 'ended', '17_3': 'ended: exit 3', '17_2': 'ended: exit 2', '17_1': 'ended: exit 1' },
  'squeue-O-ended': {
    '8': 'ended',
    '9': 'ended: exit 3',
    '10': 'ended: exit 143',
    '11': 'ended: signal SIGKILL',
    '12': 'ended: signal SIGSEGV',
    '13': 'ended: out-of-memory',
    '14': 'ended: start-failed',
    '15': 'cancelled by unknown …',
    '16': 'cancelled by unknown …',
    '18': 'ended',
  },
  'squeue-O-mixed': { '8': 'ended' },
  'squeue-O-suspended': { '27': 'queued: It is suspended.' },
  'squeue-O-unknown': {},
  'squeue-O-waiting': {
    '19': 'queued: It is held by its user.',
    '22': 'queued: The job it waits for ended in a way that it never can start after. stuck',
    '23': 'queued: It asks for more time than its partition ever gives. stuck',
    '25': 'queued: It waits for its start time.',
    '26': 'queued: It asks for more or fewer nodes than its partition gives, or than are up there. stuck',
    '27': 'running on n1',
  },
  'squeue-error-badoption': 'no answer',
  'squeue-error-munge-down': 'no answer, ask again',
  'squeue-error-notnumber': 'no answer, ask again',
  'squeue-error-slurmctld-down': 'no answer, ask again',
  'squeue-error-slurmctld-hung': 'no answer, ask again',
  'squeue-error-unknown': {},
  'squeue-format-array-finished': {
    '67_5': 'cancelled by unknown …',
    '67_4': 'ended',
    '67_2': 'ended',
    '67_1': 'ended',
    '67_0': 'ended',
    '67_3': 'ended: runner-lost …',
  },
  'squeue-format-array-one-timeout': { '4_0': 'ended', '4_1': 'ended: time-limit' },
  'squeue-format-array-running': {
    '67_1': 'ended',
    '67_0': 'ended',
    '67_4': 'queued: Its array runs as many tasks at once as it may.',
    '67_5': 'queued: Its array runs as many tasks at once as it may.',
    '67_3': 'running on n1',
    '67_2': 'running on n1',
  },
  'squeue-format-cancelled-dependency-never': { '46': 'cancelled by unknown …' },
  'squeue-format-cancelled-while-pending': { '40': 'cancelled by unknown …' },
  'squeue-format-cancelled': { '60': 'cancelled by unknown …' },
  'squeue-format-chdir-missing': { '66': 'ended: runner-lost …' },
  'squeue-format-completed': { '53': 'ended' },
  'squeue-format-ended-while-slurmctld-down': { '80': 'ended: runner-lost …' },
  'squeue-format-failed-exit143': { '59': 'ended: runner-lost …' },
  'squeue-format-failed-exit3': { '56': 'ended: runner-lost …' },
  'squeue-format-failed-exit7-own-trap': { '61': 'ended: runner-lost …' },
  'squeue-format-failed-no-interpreter': { '64': 'ended: runner-lost …' },
  'squeue-format-failed-output-unwritable': { '65': 'ended: runner-lost …' },
  'squeue-format-failed-signal11': { '57': 'ended: runner-lost …' },
  'squeue-format-failed-signal9': { '58': 'ended: runner-lost …' },
  'squeue-format-node-fail-requeued': { '76': 'queued: It waits for its start time.' },
  'squeue-format-node-fail': { '75': 'ended: node-lost' },
  'squeue-format-oom': { '62': 'ended: out-of-memory' },
  'squeue-format-pending-array-limit': {
    '331_1': 'queued: Its array runs as many tasks at once as it may.',
    '331_2': 'queued: Its array runs as many tasks at once as it may.',
    '331_3': 'queued: Its array runs as many tasks at once as it may.',
    '331_0': 'running on n1',
  },
  'squeue-format-pending-begintime': { '43': 'queued: It waits for its start time.' },
  'squeue-format-pending-dependency-never': {
    '45': 'queued: The job it waits for ended in a way that it never can start after. stuck',
  },
  'squeue-format-pending-dependency': { '42': 'queued: It waits for another job to end.' },
  'squeue-format-pending-held': { '40': 'queued: It is held by its user.' },
  'squeue-format-pending-partition-timelimit': {
    '51': 'queued: It asks for more time than its partition ever gives. stuck',
  },
  'squeue-format-pending-priority': { '49': 'queued: Other jobs of this queue come first.' },
  'squeue-format-pending-resources': { '330': 'queued: It waits for cores, memory or nodes to become free.' },
  'squeue-format-requeued-pending': { '73': 'running on n1' },
  'squeue-format-running': { '53': 'running on n1' },
  'squeue-format-signal-usr1-exit5': { '3': 'ended: runner-lost …' },
  'squeue-format-suspended': { '74': 'queued: It is suspended.' },
  'squeue-format-timeout': { '2': 'ended: time-limit' },
  'squeue-j-1-error-slurmctld-down': 'no answer, ask again',
};

const HISTORY: Readonly<Record<string, Record<string, string> | string>> = {
  'sacct-X-array-finished': { '67_0': 'ended', '67_1': 'ended', '67_2': 'ended', '67_3': 'ended: exit 3' },
  'sacct-X-array-one-timeout': { '4_0': 'ended', '4_1': 'ended: time-limit' },
  'sacct-X-array-running': { '67_0': 'ended', '67_1': 'ended', '67_2': 'running on n1', '67_3': 'running on n1' },
  'sacct-X-cancelled-dependency-never': { '46': 'cancelled by unknown …' },
  'sacct-X-cancelled-while-pending': { '40': 'cancelled by unknown (1000)' },
  'sacct-X-cancelled': { '60': 'cancelled by unknown (1000)' },
  'sacct-X-chdir-missing': { '66': 'ended: start-failed' },
  'sacct-X-completed': { '53': 'ended' },
  'sacct-X-ended-while-slurmctld-down': { '80': 'ended: exit 4' },
  'sacct-X-failed-exit143': { '59': 'ended: exit 15' },
  'sacct-X-failed-exit3': { '56': 'ended: exit 3' },
  'sacct-X-failed-exit7-own-trap': { '61': 'ended: exit 7' },
  'sacct-X-failed-no-interpreter': { '64': 'ended: exit 2' },
  'sacct-X-failed-output-unwritable': { '65': 'ended: start-failed …' },
  'sacct-X-failed-signal11': { '57': 'ended: signal SIGSEGV' },
  'sacct-X-failed-signal9': { '58': 'ended: signal SIGKILL …' },
  'sacct-X-node-fail-requeued': { '76': 'queued: It waits for its start time.' },
  'sacct-X-node-fail': { '75': 'ended: node-lost' },
  'sacct-X-oom': { '62': 'ended: out-of-memory' },
  'sacct-X-pending-array-limit': {},
  'sacct-X-pending-begintime': { '43': 'queued' },
  'sacct-X-pending-held': {},
  'sacct-X-pending-priority': { '49': 'queued' },
  'sacct-X-pending-resources': { '48': 'queued' },
  'sacct-X-requeued-pending': { '73': 'queued: It was put back into the queue. …' },
  'sacct-X-running': { '53': 'running on n1' },
  'sacct-X-signal-usr1-exit5': { '3': 'ended: exit 5' },
  'sacct-X-suspended': { '74': 'queued: It is suspended. …' },
  'sacct-X-timeout': { '2': 'ended: time-limit' },
  'sacct-all': {
    '1': 'ended',
    '2': 'ended: time-limit',
    '3': 'ended: exit 5',
    '5': 'ended',
    '6': 'ended',
    '7': 'ended',
    '9': 'ended',
    '11': 'ended',
    '22': 'ended: exit 3',
    '23': 'ended',
    '24': 'ended: exit 3',
    '25': 'ended: exit 2',
    '26': 'ended: exit 1',
    '27': 'queued: Its partition can never give what it asks for. stuck',
    '28': 'ended: exit 1',
    '29': 'queued: Its partition can never give what it asks for. stuck',
    '30': 'ended',
    '31': 'ended',
    '32': 'ended',
    '34': 'ended: exit 1',
    '36': 'ended: start-failed',
    '37': 'queued: It asks for more time than its partition ever gives. stuck',
    '38': 'ended',
    '39': 'cancelled by unknown',
    '41': 'ended',
    '42': 'ended',
    '44': 'ended: exit 1',
    '47': 'ended',
    '48': 'ended',
    '49': 'ended',
    '51': 'cancelled by unknown',
    '53': 'ended',
    '56': 'ended: exit 3',
    '57': 'ended: signal SIGSEGV',
    '58': 'ended: signal SIGKILL',
    '59': 'ended: exit 15',
    '60': 'cancelled by unknown',
    '61': 'ended: exit 7',
    '62': 'ended: out-of-memory',
    '63': 'ended: out-of-memory',
    '64': 'ended: exit 2',
    '65': 'ended: start-failed',
    '66': 'ended: start-failed',
    '73': 'cancelled by unknown',
    '75': 'ended: node-lost',
    '76': 'cancelled by unknown',
    '77': 'cancelled by unknown',
    '78': 'ended',
    '79': 'ended',
    '80': 'ended: exit 4',
    '81': 'ended',
    '4_0': 'ended',
    '4_1': 'ended: time-limit',
    '10_0': 'ended',
    '10_1': 'ended',
    '10_2': 'ended',
    '10_3': 'ended',
    '10_4': 'ended',
    '10_5': 'ended',
    '10_6': 'ended',
    '10_7': 'ended',
    '10_8': 'ended',
    '10_9': 'ended',
    '50_0': 'ended',
    '50_1': 'ended',
    '50_2': 'ended',
    '50_3': 'ended',
    '67_0': 'ended',
    '67_1': 'ended',
    '67_2': 'ended',
    '67_3': 'ended: exit 3',
    '67_4': 'ended',
  },
  'sacct-array-task': { '67_3': 'ended: exit 3' },
  'sacct-duplicates-node-fail-requeued': { '76': 'queued: It waits for its start time.' },
  'sacct-duplicates-requeued': { '73': 'running on n1' },
  'sacct-error-badfield': 'no answer',
  'sacct-error-notnumber': 'no answer, ask again',
  'sacct-error-slurmdbd-down': 'no answer, ask again',
  'sacct-error-slurmdbd-hung': 'no answer, ask again',
  'sacct-error-unknown': {},
  'sacct-fields-ended': {
    '8': 'ended',
    '9': 'ended: exit 3',
    '10': 'ended: exit 15',
    '11': 'ended: signal SIGKILL',
    '12': 'ended: signal SIGSEGV',
    '13': 'ended: out-of-memory',
    '14': 'ended: start-failed',
    '15': 'cancelled by unknown (1001)',
    '16': 'cancelled by administrator (0)',
    '18': 'ended',
    '17_0': 'ended',
    '17_1': 'ended: exit 1',
    '17_2': 'ended: exit 2',
    '17_3': 'ended: exit 3',
  },
  'sacct-later-same-jobs': {
    '46': 'cancelled by unknown',
    '58': 'ended: signal SIGKILL',
    '65': 'ended: start-failed',
    '73': 'cancelled by unknown',
    '74': 'cancelled by unknown',
  },
  'sacct-n-j-80-error-slurmctld-down': {},
  'sacct-oom': { '62': 'ended: out-of-memory' },
};

const SUBMIT: Readonly<Record<string, string>> = {
  'sbatch-error-array-too-big': 'refused',
  'sbatch-error-bad-dependency-syntax': 'refused',
  'sbatch-error-crlf-script': 'refused',
  'sbatch-error-drained-partition': 'refused',
  'sbatch-error-empty-script': 'refused',
  'sbatch-error-invalid-account': 'accepted 30',
  'sbatch-error-invalid-array': 'refused',
  'sbatch-error-invalid-chdir': 'accepted 36',
  'sbatch-error-invalid-cluster': 'refused',
  'sbatch-error-invalid-constraint': 'refused',
  'sbatch-error-invalid-dependency': 'accepted 32',
  'sbatch-error-invalid-directive': 'refused',
  'sbatch-error-invalid-gres': 'refused',
  'sbatch-error-invalid-mem': 'refused',
  'sbatch-error-invalid-nodelist': 'refused',
  'sbatch-error-invalid-option': 'refused',
  'sbatch-error-invalid-partition': 'refused',
  'sbatch-error-invalid-qos': 'accepted 31',
  'sbatch-error-invalid-signal': 'refused',
  'sbatch-error-invalid-time': 'refused',
  'sbatch-error-munge-down': 'unreachable',
  'sbatch-error-no-config': 'unreachable',
  'sbatch-error-no-script-file': 'refused',
  'sbatch-error-no-shebang': 'refused',
  'sbatch-error-not-installed': 'refused',
  'sbatch-error-slurmctld-hung': 'uncertain',
  'sbatch-error-time-over-partition-limit': 'accepted 37',
  'sbatch-error-too-many-cpus': 'accepted 27',
  'sbatch-error-too-many-gpus': 'refused',
  'sbatch-error-too-many-nodes': 'accepted 29',
  'sbatch-error-too-much-mem': 'refused',
  'sbatch-ok-sh-error-slurmctld-down': 'unreachable',
  'sbatch-other-user': 'accepted 38',
  'sbatch-parsable-ok-sh-error-slurmctld-down': 'unreachable',
  'sbatch-slurmdbd-down': 'accepted 81',
  'sbatch-slurmdbd-hung': 'accepted 78',
  'sbatch-submit-array': 'accepted 10',
  'sbatch-submit-parsable': 'accepted 6',
  'sbatch-submit-stdin': 'accepted 7',
  'sbatch-submit-wrap': 'accepted 9',
  'sbatch-submit': 'accepted 5',
};

const CANCEL: Readonly<Record<string, string>> = {
  'scancel-1-error-slurmctld-down': 'not heard',
  'scancel-already-finished': 'fine',
  'scancel-batch-term': 'fine',
  'scancel-error-not-owner': 'refused',
  'scancel-error-notnumber': 'refused',
  'scancel-error-slurmctld-hung': 'not heard',
  'scancel-error-unknown': 'fine',
  'scancel-running': 'fine',
  'scancel-verbose-already-finished': 'fine',
};

describeRecordings(SYSTEM, /^squeue-/, QUEUE, (recording) =>
  answerOf(() => parseQueue(recording, columnsOf(recording))),
);
describeRecordings(SYSTEM, /^sacct-/, HISTORY, (recording) =>
  answerOf(() => parseAccounting(recording, columnsOf(recording))),
);
describeRecordings(SYSTEM, /^sbatch-/, SUBMIT, (recording) => submissionOf(slurm, recording));
describeRecordings(SYSTEM, /^scancel-/, CANCEL, (recording) => cancellationOf(slurm, recording));

const answer = (stdout: string) => ({ exitCode: 0, stdout, stderr: '' });
const queue = (...lines: string[]) => slurm.parseStatus(answer(lines.join('\n')));
const history = (...lines: string[]) => slurm.parseHistory(answer(lines.join('\n')));

const askRecorded = (name: string, ...ids: string[]) => askScontrol(SYSTEM, name, ids);

describe('the question for all jobs', () => {
  test.each([
    ['cancelled-while-pending', '40', 'cancelled by unknown …'],
    ['cancelled', '60', 'cancelled by unknown …'],
    ['chdir-missing', '66', 'ended: start-failed'],
    ['completed', '53', 'ended'],
    ['failed-exit143', '59', 'ended: exit 143'],
    ['failed-exit3', '56', 'ended: exit 3'],
    ['failed-no-interpreter', '64', 'ended: exit 2'],
    ['failed-output-unwritable', '65', 'ended: start-failed'],
    ['failed-signal11', '57', 'ended: signal SIGSEGV'],
    ['failed-signal9', '58', 'ended: signal SIGKILL'],
    ['node-fail-requeued', '76', 'queued: It waits for its start time.'],
    ['node-fail', '75', 'ended: node-lost'],
    ['oom', '62', 'ended: out-of-memory'],
    ['pending-begintime', '43', 'queued: It waits for its start time.'],
    ['pending-dependency', '42', 'queued: It waits for another job to end.'],
    ['pending-held', '40', 'queued: It is held by its user.'],
    ['pending-priority', '49', 'queued: Other jobs of this queue come first.'],
    ['running', '53', 'running on n1'],
    ['suspended', '74', 'queued: It is suspended.'],
    ['timeout', '2', 'ended: time-limit'],
  ])('of a job that is %s', (name, job, said) => {
    expect(briefs(askRecorded(`scontrol-oneline-${name}`, '1000', job))).toEqual({ [job]: said });
  });
  test('one job alone is asked for by its id, of several all are asked for at once', () => {
    const arguments_ = (...ids: string[]) => slurm.statusCommand(ids.map(id)).slice(-3);
    expect(arguments_('7')).toEqual(['7', expect.any(String), '7']);
    expect(arguments_('7', '8')).toEqual(['7,8', expect.any(String), '']);
  });
  test('other jobs are left out', () => {
    expect(askRecorded('scontrol-oneline-running', '5', '533').size).toBe(0);
  });
  test('a controller that does not answer has said nothing about any job', () => {
    expect(() => askRecorded('scontrol-show-job-1-error-slurmctld-down', '1')).toThrow(/Unable to contact/);
  });
});

describe('its answer', () => {
  test('a word that is no state of ours is unknown and keeps its raw word', () => {
    expect(queue('1|HIBERNATING|None|0|n1|N/A|N/A|x|').get(id('1'))).toMatchObject({
      sighting: { state: 'unknown', raw: 'HIBERNATING' },
    });
  });
  test('lines that are not ours or do not parse disturb no other', () => {
    const seen = queue(
      'Welcome to the cluster | since 1999',
      '',
      '12|RUNNING',
      'x|RUNNING|None|0|n1|N/A|N/A|j|',
      '7|RUNNING|None|0|n1|2026-11-20T12:10:18|N/A|j|',
    );
    expect(briefs(seen)).toEqual({ 7: 'running on n1' });
    expect(seen.get(id('7'))?.sighting).toMatchObject({ since: Date.UTC(2026, 10, 20, 12, 10, 18) });
  });
  test('a name with the separator and a state in it is only a name', () => {
    expect(briefs(queue('7|PENDING|Priority|0||N/A|N/A|a|COMPLETED|b|'))).toEqual({
      7: 'queued: Other jobs of this queue come first.',
    });
  });
  test('a reason with a comma and blanks is told with its details', () => {
    expect(briefs(queue('7|PENDING|ReqNodeNotAvail, UnavailableNodes:n4|0||N/A|N/A|x|'))).toEqual({
      7: 'queued: A node it needs is not available (UnavailableNodes:n4).',
    });
  });
  test('a reason that is new to us is said as it is', () => {
    expect(briefs(queue('7|PENDING|FullMoon|0||N/A|N/A|x|'))).toEqual({ 7: 'queued: Slurm says: FullMoon.' });
  });
  test('a limit per job is one that never goes away', () => {
    expect(
      briefs(queue('7|PENDING|QOSMaxCpuPerJobLimit|0||N/A|N/A|x|', '8|PENDING|QOSMaxJobsPerUserLimit|0||N/A|N/A|x|')),
    ).toEqual({
      7: 'queued: A limit of its account or QOS is reached (QOSMaxCpuPerJobLimit). stuck',
      8: 'queued: A limit of its account or QOS is reached (QOSMaxJobsPerUserLimit).',
    });
  });
  test('what one job alone asks too much or too little of can never start; a budget that is used up is waited for', () => {
    const lines = ['MaxMemPerLimit', 'QOSMinCpuNotSatisfied', 'QOSMaxCpuPerNode', 'AssocGrpCPUMinutesLimit'];
    const seen = queue(...lines.map((reason, i) => `${i + 1}|PENDING|${reason}|0||N/A|N/A|x|`));
    expect([...seen.values()].map(({ stuck }) => stuck === true)).toEqual([true, true, true, false]);
  });

  test('a waiting job tells when Slurm plans to start it', () => {
    expect(queue('7|PENDING|Resources|0||2026-11-20T12:34:00|2026-11-20T13:34:00|x|').get(id('7'))?.expectedStart).toBe(
      Date.UTC(2026, 10, 20, 12, 34),
    );
  });
});

describe('sacct', () => {
  test('a row that came before the job’s own record is provisional, and its owner is not trusted', () => {
    const found = history('3|CANCELLED by 0|0:0|1001||n1|Unknown|Unknown|None|allocation').get(id('3'));
    expect(found && brief(found)).toBe('cancelled by unknown (0) …');
  });
  test('whoever is not the owner was an administrator', () => {
    expect(
      briefs(
        history(
          '3|CANCELLED by 0|0:0|1001|debug|n1|Unknown|Unknown|None|x',
          '4|CANCELLED by 1001|0:0|1001|debug|n1|Unknown|Unknown|None|x',
        ),
      ),
    ).toEqual({
      3: 'cancelled by administrator (0)',
      4: 'cancelled by unknown (1001)',
    });
  });
  test('an exit code that sacct may have reduced by 128 says so', () => {
    const found = history('3|FAILED|15:0|1001|debug|n1|Unknown|Unknown|None|x').get(id('3'));
    expect(JSON.stringify(found?.sighting)).toContain('15 or 143');
  });
});

describe('the log tells of', () => {
  const reason = (name: string) => slurm.explainLog(recorded(SYSTEM, name).stdout)?.cause;
  test.each([
    ['memory limited by cgroup', 'oom-job-output', 'out-of-memory'],
    ['memory limited by polling, which no state shows', 'oom-poll-mode', 'out-of-memory'],
    ['the time limit', 'timeout-job-output', 'time-limit'],
    ['a missing interpreter', 'nointerp-job-output', 'start-failed'],
    ['nothing, where the job printed it all', 'signal-usr1-output', undefined],
  ])('%s', (_, name, cause) => {
    expect(reason(name)).toBe(cause);
  });
});

describe('searching for a job', () => {
  const [inQueue, inHistory] = slurm.searches('cell.cb01234567');
  test('finds only the very name', () => {
    expect(inQueue?.parse(answer('4|cell.cb01234567|\n5|cell.cb012345678|\n'))).toEqual(['4']);
    expect(inHistory?.parse(answer('4|cell.cb01234567\n4.batch|batch\n'))).toEqual(['4']);
  });
  test('an answer that failed is not a no', () => {
    expect(() => inQueue?.parse(recorded(SYSTEM, 'squeue-error-slurmctld-down'))).toThrow(/Unable to contact/);
    expect(() => inHistory?.parse(recorded(SYSTEM, 'sacct-error-slurmdbd-down'))).toThrow(/Connection refused/);
  });
});

test('a lost reply leaves open whether there is a job', () => {
  expect(submissionOf(slurm, { exitCode: null, stdout: '', stderr: '' })).toBe('uncertain');
  expect(submissionOf(slurm, answer('Maintenance on Friday!\n'))).toBe('uncertain');
  expect(submissionOf(slurm, answer('Maintenance on Friday!\n4711;alpha\nBye 12.\n'))).toBe('accepted 4711');
});

describe('nodes that were given back by our own step', () => {
  const COLUMNS: Columns = ['JobID', 'State', 'ExitCode', 'UID', 'JobName'];
  const told = (nodes: string, step: string) => {
    const stdout = `100|${nodes}|0:0|1001|cell.cb0123456789\n100.extern|COMPLETED|0:0||extern\n100.0|${step}||cellburst-worker\n`;
    return briefs(parseAccounting({ exitCode: 0, stdout, stderr: '' }, COLUMNS))['100'];
  };
  test.each([
    ['CANCELLED by 1001', 'COMPLETED|0:0', 'ended'],
    ['CANCELLED by 1001', 'OUT_OF_MEMORY|0:125', 'ended: out-of-memory'],
    ['CANCELLED by 1001', 'FAILED|0:9', 'ended: signal SIGKILL'],
    // Both at once: somebody ended it.
    ['CANCELLED by 1001', 'CANCELLED by 1001|0:9', 'cancelled by unknown (1001)'],
    ['CANCELLED by 0', 'COMPLETED|0:0', 'cancelled by administrator (0)'],
    ['TIMEOUT', 'CANCELLED|0:15', 'ended: time-limit'],
    ['RUNNING', 'COMPLETED|0:0', 'running'],
  ])('%s, and the step %s: %s', (nodes, step, wanted) => {
    expect(told(nodes, step)).toBe(wanted);
  });
  test('a step of the same number that a cell has started is none of ours', () => {
    const stdout = '100|CANCELLED by 1001|0:0|1001|cell.cb0123456789\n100.0|FAILED|3:0||mine\n';
    expect(briefs(parseAccounting({ exitCode: 0, stdout, stderr: '' }, COLUMNS))).toEqual({
      '100': 'cancelled by unknown (1001)',
    });
  });
});

describe('what salloc answers', () => {
  const read = (exitCode: number | null, stderr: string) =>
    slurm.nodes?.parseAnswer({ exitCode, stdout: '', stderr }).outcome;
  test.each([
    [0, 'salloc: Granted job allocation 32\n', 'granted'],
    [
      1,
      'salloc: Pending job allocation 35\nsalloc: job 35 queued and waiting for resources\nsalloc: error: Unable to allocate resources: Connection timed out\n',
      'busy',
    ],
    [1, 'salloc: error: Unable to allocate resources: Requested nodes are busy\n', 'busy'],
    [1, 'salloc: Pending job allocation 36\nsalloc: Job allocation 36 has been revoked.\n', 'busy'],
    // Ended by us, or by its own time: there may be a request.
    [null, '', 'busy'],
    [0, 'nothing that we know\n', 'busy'],
    [
      1,
      'salloc: error: invalid partition specified: nosuch\nsalloc: error: Job submit/allocate failed: Invalid partition name specified\n',
      'refused',
    ],
    [1, 'salloc: error: Unable to contact slurm controller (connect failure)\n', 'unreachable'],
  ])('exit %s, %j: %s', (exitCode, stderr, wanted) => {
    expect(read(exitCode, stderr)).toBe(wanted);
  });
});
