// The Grid Engine dialect against a real Son of Grid Engine, started for this file.
import { gridEngine } from '../../magics/schedulers/gridengine';
import { describeDialect } from './conformance';
import { openSystem } from './open';

describeDialect('Grid Engine', {
  dialect: gridEngine,
  system: openSystem('sge'),
  site: { parallelEnvironment: 'smp' },
  heldBy: ['-h'],
  outOfMemory: { resources: { memoryMiB: 100 }, seen: /^ended: out-of-memory$/ },
  options: {
    cores: { cores: 2 },
    memory: { memoryMiB: 400 },
    time: { wallTimeSeconds: 60 },
    queue: { queue: 'all.q' },
    tasks: { tasks: 2 },
  },
  timeLimit: { resources: { wallTimeSeconds: 2 }, seen: /^ended: time-limit$/ },
  // qacct has the same row for both; the journal tells them apart.
  cancelledRunning: /^ended: signal SIGKILL or cancelled$/,
  cancelledByRoot: /^ended: signal SIGKILL or cancelled$/,
});
