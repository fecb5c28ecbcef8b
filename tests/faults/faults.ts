// The faults, as a table: what breaks, where, and how the cell has to end all the same. Each is tried on the real thing by play.ts. Those of a
// place in `quick` are part of `npm test`; all are tried by `npm run test:faults`.
import * as breaking from './breaking';
import { AGENT_STEPS, AGENT_STEP_WORDS, STEPS, STEP_WORDS, type Break, type Step } from './breaking';
import { SKEWED, type Bench, type Place } from './bench';
import { WAYS, WAY_WORDS, type Way } from './relay';

export type End =
  /** The cell's value, once, with all its output. */
  | { readonly kind: 'value' }
  /** Its value, or before there is a job this error, which says so; what it is depends on who was first. */
  | { readonly kind: 'value or refusal'; readonly name: string; readonly says: RegExp }
  /** An error of this class, whose message says this. `runs`: how often the cell began, 1 if not told. */
  | { readonly kind: 'error'; readonly name: string; readonly says?: RegExp; readonly runs?: 0 | 1 };

export interface Fault {
  /** A sentence that ends in what has to come of it. */
  readonly name: string;
  readonly on: readonly Place[];
  readonly quick?: readonly Place[];
  /** Of the %%cluster line. */
  readonly options?: string;
  /** The cluster, where it is not the place's own. */
  readonly cluster?: string;
  /** The cell between its first lines and its last ones; it waits for a sign otherwise. */
  readonly middle?: string;
  /** It waits in the batch system until `breaking.release`. */
  readonly isHeld?: boolean;
  /** Values that make the bundle, or the reply, take its time. */
  readonly isHeavy?: boolean;
  /** Before the cell is sent. */
  readonly before?: (bench: Bench) => Promise<void> | void;
  readonly breaks: Break;
  /** After the cell has ended. */
  readonly after?: (bench: Bench) => Promise<void> | void;
  readonly ends: End;
}

const value: End = { kind: 'value' };
const error = (name: string, says?: RegExp, runs?: 0 | 1): End => ({
  kind: 'error',
  name,
  ...(says === undefined ? {} : { says }),
  ...(runs === undefined ? {} : { runs }),
});
const BATCH: readonly Place[] = ['slurm', 'gridengine'];
const ALL: readonly Place[] = ['slurm', 'gridengine', 'ssh'];

const CAUSES: readonly Fault[] = [
  {
    name: 'a cell that throws ends with its own error',
    on: ALL,
    middle: "if (process.argv.length > 0) throw new RangeError('too far');",
    breaks: breaking.waitUntilBegun,
    ends: error('RangeError', /^too far$/),
  },
  {
    name: 'a cell that ends its process is told by its exit code',
    on: ALL,
    middle: 'if (process.argv.length > 0) process.exit(7);',
    breaks: breaking.waitUntilBegun,
    ends: error('JobExitError', /exit code 7/),
  },
  {
    name: 'a crash is told by its signal',
    on: ALL,
    quick: ['slurm'],
    middle: "process.kill(process.pid, 'SIGSEGV'); await new Promise((go) => setTimeout(go, 60_000));",
    breaks: breaking.waitUntilBegun,
    ends: error('JobSignalError', /SIGSEGV/),
  },
  {
    name: 'less memory than Node.js reserves is told as too little, where it is the address space that is limited',
    on: ['gridengine'],
    options: '--memory 300MB',
    breaks: breaking.onlySubmit,
    ends: error('OutOfMemoryError', /address space.*memoryResource/s, 0),
  },
  {
    name: 'a lack of memory is told as one',
    on: ['slurm', 'ssh'],
    options: '--memory 300MB',
    middle:
      'const kept: Buffer[] = []; for (;;) { kept.push(Buffer.alloc(20_000_000, 1)); await new Promise((go) => setTimeout(go, 20)); }',
    breaks: breaking.onlySubmit,
    ends: error('OutOfMemoryError', /--memory/),
  },
  {
    name: 'a time limit of the cell is told as one',
    on: ALL,
    options: '--time 3s',
    middle: 'await new Promise((go) => setTimeout(go, 60_000));',
    breaks: breaking.waitUntilBegun,
    ends: error('TimeLimitError', /--time/),
  },
  {
    name: 'a time limit of the scheduler is told as one, in its words',
    on: ['slurm'],
    breaks: breaking.reachTimeLimit,
    ends: error('TimeLimitError', /The scheduler says: TIMEOUT/),
  },
  {
    name: 'a time limit of the queue is told',
    on: ['gridengine'],
    options: '--queue short.q',
    breaks: breaking.waitUntilBegun,
    ends: error('JobSignalError', /SIGKILL|limit/),
  },
  {
    name: 'a node that is switched off is told as one that failed',
    on: ['slurm'],
    breaks: breaking.loseNode,
    ends: error('NodeFailureError', /The scheduler says: NODE_FAIL/),
  },
  {
    name: 'a node that is taken away is told as one that failed',
    on: ['slurm'],
    quick: ['slurm'],
    breaks: breaking.takeNode,
    ends: error('NodeFailureError', /The scheduler says: NODE_FAIL/),
  },
  {
    name: 'a node that crashes is told as one that failed',
    on: ['gridengine'],
    breaks: breaking.loseExecutionHost,
    ends: error('NodeFailureError', /crashed.*The scheduler says: failed 19/s),
  },
  {
    name: 'a host that is switched off has lost what ran there, and that is told',
    on: ['ssh'],
    breaks: breaking.loseHost,
    ends: error('JobLostError', /runner ended/),
  },
  {
    name: 'a job that has to give way is told as preempted',
    on: ['slurm'],
    quick: ['slurm'],
    options: '--queue scavenge',
    breaks: breaking.preempt,
    ends: error('PreemptedError', /The scheduler says: PREEMPTED/),
  },
  {
    name: 'a job that is cancelled here is told as cancelled at one’s request',
    on: ALL,
    breaks: breaking.cancelHere,
    ends: error('JobCancelledError', /at your request/),
  },
  {
    name: 'a job that its user cancels in a shell is told as cancelled outside of the notebook',
    on: ['slurm'],
    breaks: breaking.cancelInShell,
    ends: error('JobCancelledError', /outside of this notebook/),
  },
  {
    name: 'a job that an operator cancels is told as that',
    on: ['slurm'],
    quick: ['slurm'],
    breaks: breaking.cancelAsOperator,
    ends: error('CancelledByOperatorError', /The scheduler says: CANCELLED by 0/),
  },
  {
    name: 'a job that is deleted in a shell is told, though its accounting reads like a kill',
    on: ['gridengine'],
    breaks: breaking.cancelInShell,
    ends: error('JobSignalError', /SIGKILL.*qdel/s),
  },
  {
    name: 'a job that an operator deletes is told, though its accounting reads like a kill',
    on: ['gridengine'],
    quick: ['gridengine'],
    breaks: breaking.cancelAsOperator,
    ends: error('JobSignalError', /SIGKILL.*qdel/s),
  },
  {
    name: 'a queue that there is not is refused in the words of the scheduler',
    on: BATCH,
    options: '--queue nosuchqueue',
    breaks: breaking.nothing,
    ends: error('JobRejectedError', /refuses the job: .*(partition|queue)/is, 0),
  },
  {
    name: 'memory that no node has is refused in the words of the scheduler',
    on: ['slurm'],
    options: '--memory 9000GB',
    breaks: breaking.nothing,
    ends: error('JobRejectedError', /refuses the job: .*(memory|node configuration)/is, 0),
  },
  {
    name: 'a time that no partition gives can never start, and is told so',
    on: ['slurm'],
    options: '--time 9h',
    breaks: breaking.onlySubmit,
    after: cancelLast,
    ends: error('JobCannotStartError', /asks for more time than its partition ever gives/, 0),
  },
  {
    name: 'cores that no host has can never start, and are told so',
    on: ['gridengine'],
    quick: ['gridengine'],
    options: '--cores 900',
    breaks: breaking.onlySubmit,
    after: cancelLast,
    ends: error('JobCannotStartError', /slots/, 0),
  },
  {
    name: 'a job whose directory cannot be entered is kept in error by Grid Engine, and told so',
    on: ['gridengine'],
    isHeld: true,
    breaks: breaking.closeDirectory,
    after: cancelLast,
    ends: error('JobCannotStartError', /keeps it in error state\..*Permission denied/s, 0),
  },
  {
    name: 'a job whose log cannot be opened fails to start, and is told so',
    on: ['slurm'],
    isHeld: true,
    breaks: breaking.blockLog,
    ends: error('JobStartError', /its directory or its log file cannot be opened/, 0),
  },
  {
    name: 'a resource that there is not is refused in the words of the scheduler',
    on: ['gridengine'],
    options: "--native '-l nosuch=1'",
    breaks: breaking.nothing,
    ends: error('JobRejectedError', /unknown resource "nosuch"/, 0),
  },
  {
    name: 'cores that the host does not have are refused before there is a job',
    on: ['ssh'],
    options: '--cores 900',
    breaks: breaking.nothing,
    ends: error('JobRejectedError', /900/, 0),
  },
  {
    name: 'a job whose runner somebody asks to end is told as cancelled outside of the notebook',
    on: ['ssh'],
    breaks: breaking.terminateRunner,
    ends: error('JobCancelledError', /outside of this notebook/),
  },
  {
    name: 'packages that are damaged on their way are told as such',
    on: ALL,
    quick: ['slurm'],
    options: '--env-mode bundle',
    isHeld: true,
    breaks: breaking.damagePackages,
    ends: error('JobEnvironmentError', /packages.* is damaged/, 0),
  },
  {
    name: 'a result that is damaged is told as unreadable',
    on: ALL,
    isHeavy: true,
    breaks: breaking.damageResult,
    ends: error('ResultUnreadableError', /cannot be read/),
  },
  {
    name: 'a result that is no result is told as unreadable',
    on: BATCH,
    breaks: breaking.damageHead,
    ends: error('ResultUnreadableError', /cannot be read/),
  },
];

const DEATHS: readonly Fault[] = [
  {
    name: 'the kernel is killed, and another one brings the job home',
    on: ALL,
    breaks: breaking.killKernel,
    ends: value,
  },
  {
    name: 'the agent is killed, and the next one brings the job home',
    on: ALL,
    breaks: breaking.killAgent,
    ends: value,
  },
  {
    name: 'the job ends while there is no agent, and comes home all the same',
    on: ALL,
    breaks: breaking.killAgentBeforeTheEnd,
    ends: value,
  },
  {
    name: 'the agent over there is killed, and the next one brings the job home',
    on: ['ssh'],
    quick: ['ssh'],
    breaks: breaking.killRemoteAgent,
    ends: value,
  },
  {
    name: 'the runner is killed, and the batch system tells it',
    on: BATCH,
    breaks: breaking.killRunner,
    ends: error('JobSignalError', /SIGKILL.*The scheduler says/s),
  },
  {
    name: 'the runner is killed where nobody else can tell, and the job is told as lost',
    on: ['ssh'],
    breaks: breaking.killRunner,
    ends: error('JobLostError', /runner ended/),
  },
  {
    name: 'the cell process is killed, and its signal is told',
    on: ALL,
    breaks: breaking.killCell,
    ends: error('JobSignalError', /SIGKILL/),
  },
];

const SYSTEM: readonly Fault[] = [
  {
    name: 'the controller is down when the job is submitted: there is no job, and that is said',
    on: BATCH,
    before: breaking.killController,
    breaks: breaking.nothing,
    after: breaking.startController,
    ends: error('SchedulerError', /cannot be reached.*Nothing was submitted/s, 0),
  },
  {
    name: 'the controller dies while the job runs, and nothing is lost',
    on: BATCH,
    quick: ['slurm'],
    breaks: breaking.controllerDownWhileItRuns,
    ends: value,
  },
  {
    name: 'the controller is down when the job ends, and nothing is lost',
    on: BATCH,
    breaks: breaking.controllerDownAtTheEnd,
    ends: value,
  },
  {
    name: 'the controller hangs when the job ends, and the result comes home',
    on: BATCH,
    breaks: breaking.controllerHangs,
    ends: value,
  },
  {
    name: 'the answer to the submission is lost: the job is found by its name and runs once',
    on: BATCH,
    quick: ['gridengine'],
    before: (bench) => bench.loseNext('lost'),
    breaks: breaking.waitUntilBegun,
    ends: value,
  },
  {
    name: 'the submit command hangs after the job was made: it is found by its name and runs once',
    on: BATCH,
    before: (bench) => bench.loseNext('hangs-after'),
    breaks: breaking.waitUntilBegun,
    ends: value,
  },
  {
    name: 'the submit command hangs before there is a job: it is submitted again, once',
    on: BATCH,
    before: (bench) => bench.loseNext('hangs-before'),
    breaks: breaking.waitUntilBegun,
    ends: value,
  },
  {
    name: 'the agent is killed after the submit command has made the job, and the job runs once',
    on: BATCH,
    before: (bench) => bench.loseNext('hangs-after'),
    breaks: breaking.killAgentInSubmission,
    ends: value,
  },
  {
    name: 'the agent is killed before the submit command has made the job, and the job runs once',
    on: BATCH,
    before: (bench) => bench.loseNext('hangs-before'),
    breaks: breaking.killAgentInSubmission,
    ends: value,
  },
  {
    name: 'a job that is suspended for a while goes on, and nothing is lost',
    on: BATCH,
    breaks: breaking.suspend,
    ends: value,
  },
  {
    name: 'the disk of the jobs is full when the cell is sent: there is no job, and that is said',
    on: ALL,
    before: breaking.fillBefore,
    breaks: breaking.nothing,
    after: breaking.emptyDisk,
    ends: error('DiskFullError', /disk .* is full.*Free some space/, 0),
  },
  {
    name: 'the disk of the jobs is full when the agent over there is to start: the job says so, and runs once there is room',
    on: ['ssh'],
    before: breaking.fillBeforeAgent,
    breaks: breaking.waitForRoom,
    after: breaking.emptyDisk,
    ends: { kind: 'value or refusal', name: 'TransportError', says: /its disk is full/ },
  },
  {
    name: 'the disk of the jobs is full when the result is written, and that is told',
    on: ALL,
    quick: ['ssh'],
    isHeavy: true,
    breaks: breaking.fillDisk,
    after: breaking.emptyDisk,
    ends: error('DiskFullError', /disk/i),
  },
  {
    name: 'the disk of the notebook is full when the result comes, which waits over there until there is room',
    on: ['ssh'],
    isHeavy: true,
    breaks: breaking.fillDiskHere,
    ends: value,
  },
  ...SKEWED.map(({ cluster }): Fault => ({
    name: `the clock of the node is an hour ${cluster}, and nothing is lost`,
    on: ALL,
    cluster,
    breaks: breaking.onlySubmit,
    middle: 'await new Promise((go) => setTimeout(go, 1500));',
    ends: value,
  })),
];

/** The agent of the notebook, and the one on the host, killed at each step that a job takes. */
const AGENT_DEATHS: readonly Fault[] = (['here', 'there'] as const).flatMap((where) =>
  AGENT_STEPS.map((step): Fault => ({
    name: `the agent ${where === 'here' ? 'of the notebook' : 'over there'} is killed ${AGENT_STEP_WORDS[step]}, and nothing is lost`,
    on: where === 'here' ? ALL : ['ssh'],
    isHeavy: step === 'bundle' || step === 'ended',
    breaks: breaking.killAgentAt(step, where),
    ends: value,
  })),
);

/** Seven ways to lose a connection, at each step that a job takes. */
const CUTS: readonly Fault[] = STEPS.flatMap((step) =>
  WAYS.map((way): Fault => ({
    name: `the connection ${WAY_WORDS[way]} ${STEP_WORDS[step]}, and ${step === 'connecting' ? 'that is said' : 'nothing is lost'}`,
    on: ['ssh'],
    ...(isQuick(step, way) ? { quick: ['ssh' as const] } : {}),
    isHeavy: step === 'bundle' || step === 'ended',
    breaks: breaking.cutAt(step, way),
    ends: step === 'connecting' ? { kind: 'value or refusal', name: 'TransportError', says: /Cannot reach/ } : value,
  })),
);

function isQuick(step: Step, way: Way): boolean {
  return ['bundle reset', 'submitted mute', 'running silence', 'ended garbage'].includes(`${step} ${way}`);
}

export const FAULTS: readonly Fault[] = [...CAUSES, ...DEATHS, ...AGENT_DEATHS, ...SYSTEM, ...CUTS];

async function cancelLast(bench: Bench): Promise<void> {
  const { result } = await bench.run('%cluster jobs');
  const text = JSON.stringify(result?.['data']);
  const id = /(\w{6}) +◷/.exec(text)?.[1];
  if (id !== undefined) await bench.run(`%cluster cancel ${id}`);
}
