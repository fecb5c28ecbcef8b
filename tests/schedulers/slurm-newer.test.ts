// What newer Slurms answer otherwise than 22.05 does: squeue's exit codes are pairs, a signal is a reason. Our own questions, recorded.
import { slurm } from '../../magics/schedulers/slurm';
import { answerOf, describeRecordings, submissionOf } from './recorded';

const SYSTEM = 'slurm-24.11';

const QUEUE: Readonly<Record<string, Record<string, string> | string>> = {
  'squeue-O-ended': {
    '49': 'ended',
    '50': 'ended: exit 3',
    '51': 'ended: exit 143',
    '52': 'ended: signal SIGKILL',
    '53': 'ended: signal SIGSEGV',
    '54': 'ended: start-failed',
    '55': 'ended',
    '56': 'cancelled by unknown …',
    '57': 'cancelled by unknown …',
    '58': 'running on n1',
    '59': 'ended: out-of-memory',
  },
  'squeue-O-mixed': { '49': 'ended', '58': 'running on n1' },
  'squeue-O-unknown': {},
  'squeue-O-waiting': {
    '61': 'queued: It is held by its user.',
    '62': 'queued: The job it waits for ended in a way that it never can start after. stuck',
    '63': 'queued: It waits for cores, memory or nodes to become free.',
    '64': 'queued: It waits for its start time.',
  },
};

const HISTORY: Readonly<Record<string, Record<string, string> | string>> = {
  'sacct-fields-ended': {
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
    '59': 'ended: out-of-memory',
  },
};

describeRecordings(SYSTEM, /^squeue-/, QUEUE, (recording) => answerOf(() => slurm.parseStatus(recording)));
describeRecordings(SYSTEM, /^sacct-/, HISTORY, (recording) => answerOf(() => slurm.parseHistory(recording)));
describeRecordings(
  SYSTEM,
  /^sbatch-/,
  { 'sbatch-error-invalid-partition': 'refused', 'sbatch-error-too-many-cpus': 'refused' },
  (recording) => submissionOf(slurm, recording),
);
