// Notebook cells on a real Grid Engine, started for this file.
import { describeCells } from './cells';
import { openSystem } from './open';
import { gridEngineQueue } from './queues';

describeCells('Grid Engine', {
  system: openSystem('sge'),
  scheduler: 'gridengine',
  entry: ['parallelEnvironment: smp'],
  idVariable: 'JOB_ID',
  refusedQueue: /Grid Engine refuses the job: .*queue/is,
  killed: /ended by SIGKILL/,
  // h_vmem limits the address space, of which V8 reserves more than it uses.
  memory: { options: '--memory 512MB', seen: /could not reserve its address space.*memoryResource/s },
  submitCommand: 'qsub',
  lostAnswer: 'error: commlib error: got read error',
  names: async (system) => {
    const { stdout } = await system.run(['qacct', '-j']);
    const ended = [...stdout.matchAll(/^jobname +(\S+)/gm)].map(([, name = '']) => name);
    return [...ended, ...(await gridEngineQueue(system, 'JB_name'))];
  },
  living: (system) => gridEngineQueue(system, 'JB_name'),
});
