// The Slurm dialect against a real Slurm with accounting, started for this file.
import { slurm } from '../../magics/schedulers/slurm';
import { describeDialect } from './conformance';
import { openSystem } from './open';

describeDialect('Slurm', {
  dialect: slurm,
  system: openSystem('slurm'),
  heldBy: ['--hold'],
  outOfMemory: { resources: { memoryMiB: 60 }, seen: /^ended: out-of-memory$/ },
  options: {
    cores: { cores: 4 },
    memory: { memoryMiB: 150 },
    GPUs: { gpus: 1 },
    time: { wallTimeSeconds: 90 },
    queue: { queue: 'debug' },
    account: { account: 'chem' },
    tasks: { tasks: 4 },
    nodes: { nodes: 2 },
  },
  // Slurm counts in minutes and looks every 30 s.
  timeLimit: {
    resources: { wallTimeSeconds: 60 },
    seen: /^ended: time-limit$/,
    hasten: (id) => ['scontrol', 'update', `jobid=${id}`, 'EndTime=now+1'],
  },
  cancelledRunning: /^cancelled by unknown \(\d+\)$/,
  cancelledByRoot: /^cancelled by administrator \(0\)$/,
});
