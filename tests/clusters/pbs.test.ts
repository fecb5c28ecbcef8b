// The PBS dialect against a real PBS, where CELLBURST_TEST_PBS names its prefix (as /opt/pbs); in the present user's name. No distribution packages it, so `npm test` never starts one.
import { pbs } from '../../magics/schedulers/pbs';
import { describeDialect } from './conformance';
import { openInstalled } from './open';

describeDialect('PBS', {
  dialect: pbs,
  system: openInstalled(process.env['CELLBURST_TEST_PBS'], 'CELLBURST_TEST_PBS'),
  heldBy: ['-h'],
  // Only where the node enforces memory; else the job just ends.
  outOfMemory: { resources: { memoryMiB: 60 }, seen: /^ended(: out-of-memory)?$/ },
  options: { cores: { cores: 2 }, memory: { memoryMiB: 100 }, time: { wallTimeSeconds: 60 }, tasks: { tasks: 2 } },
  timeLimit: { resources: { wallTimeSeconds: 3 }, seen: /^ended: time-limit$/ },
  cancelledRunning: /^cancelled by unknown/,
});
