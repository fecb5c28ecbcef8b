// Notebook cells on a real PBS, where CELLBURST_TEST_PBS names its prefix (as /opt/pbs); in the present user's name, which PBS does not let be root's.
import { describeCells } from './cells';
import { openInstalled } from './open';
import { pbsQueue } from './queues';

describeCells('PBS', {
  system: openInstalled(process.env['CELLBURST_TEST_PBS'], 'CELLBURST_TEST_PBS'),
  scheduler: 'pbs',
  idVariable: 'PBS_JOBID',
  refusedQueue: /PBS refuses the job: .*queue/is,
  killed: /ended by SIGKILL/,
  memory: { options: '--memory 200MB', seen: /out of memory|more memory than/ },
  submitCommand: 'qsub',
  lostAnswer: 'qsub: End of File',
  names: (system) => pbsQueue(system, 'name', '-x'),
  living: (system) => pbsQueue(system, 'name'),
});
