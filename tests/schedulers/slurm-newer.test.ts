// What newer Slurms answer to our own questions, recorded: the same as 22.05, but for reasons that name a signal, fields that are new, and exit codes in accounting.
import { slurm } from '../../magics/schedulers/slurm';
import { parseAccounting } from '../../magics/schedulers/slurm-answers';
import { answerOf, askScontrol, briefs, describeRecordings, submissionOf } from './recorded';

const ENDS = ['ended', 'ended: exit 3', 'ended: exit 143', 'ended: signal SIGKILL', 'ended: signal SIGSEGV'];
const REST = ['ended: start-failed', 'ended', 'cancelled by unknown …', 'cancelled by unknown …', 'running on n1'];
const MEMORY = 'ended: out-of-memory';
const WAITS = [
  'queued: It is held by its user.',
  'queued: The job it waits for ended in a way that it never can start after. stuck',
  'queued: It waits for cores, memory or nodes to become free.',
  'queued: It waits for its start time.',
];

describe.each([
  ['slurm-24.11', 68, 'ended: time-limit'],
  ['slurm-26.05', 35, 'running on n1'],
])('%s', (system, first, late) => {
  test('tells of every job how it stands, in one answer', () => {
    const wanted = [...ENDS, ...REST, MEMORY, late, ...WAITS].map((said, i) => [String(first + i), said] as const);
    const asked = wanted.map(([id]) => id);
    expect(briefs(askScontrol(system, 'scontrol-oneline-all', asked))).toEqual(Object.fromEntries(wanted));
  });
});

const OLD_ENDS: Record<string, string> = {
  '49': 'ended',
  '50': 'ended: exit 3',
  '51': 'ended: exit 15',
  '52': 'ended: signal SIGKILL',
  '53': 'ended: signal SIGSEGV',
  '54': 'ended: start-failed',
  '55': 'ended',
  '56': 'cancelled by unknown (1000)',
  '57': 'cancelled by administrator (0)',
  '58': 'running on n1',
  '59': MEMORY,
};
/** Exit codes above 128 are what they are. */
const NEW_ENDS: Record<string, string> = {
  '2': 'ended',
  '3': 'ended: exit 3',
  '4': 'ended: exit 143',
  '5': 'ended: signal SIGKILL',
  '6': 'ended: signal SIGSEGV',
  '7': 'ended: start-failed',
  '8': 'ended',
  '9': 'cancelled by unknown (1000)',
  '10': 'cancelled by administrator (0)',
  '11': 'running on n1',
  '12': MEMORY,
};

/** Recorded with the columns that were asked for then, without those that came since. */
const COLUMNS = [
  'JobID',
  'State',
  'ExitCode',
  'UID',
  'Partition',
  'NodeList',
  'Start',
  'End',
  'Reason',
  'JobName',
] as const;

for (const [system, ends] of [
  ['slurm-24.11', OLD_ENDS],
  ['slurm-26.05', NEW_ENDS],
] as const)
  describeRecordings(system, /^sacct-/, { 'sacct-fields-ended': ends }, (recording) =>
    answerOf(() => parseAccounting(recording, COLUMNS)),
  );
describeRecordings(
  'slurm-24.11',
  /^sbatch-/,
  { 'sbatch-error-invalid-partition': 'refused', 'sbatch-error-too-many-cpus': 'refused' },
  (recording) => submissionOf(slurm, recording),
);
