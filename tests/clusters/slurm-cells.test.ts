// Notebook cells on a real Slurm, started for this file.
import { describeCells } from './cells';
import { openSystem } from './open';
import { slurmQueue } from './queues';

describeCells('Slurm', {
  system: openSystem('slurm'),
  scheduler: 'slurm',
  idVariable: 'SLURM_JOB_ID',
  refusedQueue: /Slurm refuses the job: .*partition/is,
  killed: /ended by SIGKILL/,
  memory: { options: '--memory 200MB', seen: /out of memory|more memory than/ },
  gpu: '--gpus 1',
  submitCommand: 'sbatch',
  lostAnswer: 'sbatch: error: Batch job submission failed: Socket timed out on send/recv operation',
  names: (system) => slurmQueue(system, 'all', '%j'),
  held: '--hold',
  questions: async (system) => {
    const { stdout } = await system.run(['sdiag'], 'root');
    const counts = [...stdout.matchAll(/REQUEST_JOB_(?:INFO|USER_INFO|INFO_SINGLE) .*?count:(\d+)/g)];
    // They stand there by type and by user: the types come first.
    const types = stdout.slice(0, stdout.indexOf('by user'));
    return counts.filter(({ index }) => index < types.length).reduce((sum, [, count]) => sum + Number(count), 0);
  },
  living: (system) => slurmQueue(system, 'pending,running,completing', '%j'),
});
