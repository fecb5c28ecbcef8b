// What is broken, and how it is made whole again: a verb for each. All of them act on the real thing.
import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  writeFileSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  BUNDLE_FILE,
  ENVELOPE_FILE,
  HEARTBEAT_FILE,
  OUTCOME_FILE,
  RECORD_FILE,
  environmentsFolder,
} from '../../magics/protocol/layout';
import { sendSignal } from '../../magics/protocol/platform';
import { filesIn, kill, programsOf, until, type Bench } from './bench';
import type { Way } from './relay';

/** A job under a fault. */
export interface Victim {
  readonly bench: Bench;
  /** Name of the job: part of its name at the batch system. */
  readonly name: string;
  /** Its id, once it is submitted. */
  readonly id: () => Promise<string>;
  /** Its cell has begun and printed its first lines. */
  readonly begun: () => Promise<void>;
  /** Lets the cell go on to its end. */
  readonly goOn: () => void;
}

export type Break = (victim: Victim) => Promise<void>;

// ---- processes ------------------------------------------------------------------------------------------------------------------------------------

export const killKernel: Break = async ({ bench, id, begun }) => {
  await id();
  await begun();
  await bench.replaceKernel();
};

export const killAgent: Break = async ({ bench, id, begun }) => {
  await id();
  await begun();
  await kill(bench.agentPid());
};

/** The agent is away when the job ends. */
export const killAgentBeforeTheEnd: Break = async (victim) => {
  await killAgent(victim);
  victim.goOn();
  await pause(1500);
};

export const killRemoteAgent: Break = async ({ bench, begun }) => {
  await begun();
  await kill(bench.agentPid(bench.store));
};

export const killRunner: Break = async ({ bench, id, begun }) => {
  const job = await id();
  await begun();
  await kill(bench.beat(bench.idThere(job)).runner.pid);
};

export const killCell: Break = async ({ bench, id, begun }) => {
  const job = await id();
  await begun();
  await kill(bench.beat(bench.idThere(job)).cell.pid);
};

/** An administrator ends it by hand. */
export const terminateRunner: Break = async ({ bench, id, begun }) => {
  const job = await id();
  await begun();
  await bench.asRoot('kill', '-TERM', String(bench.beat(bench.idThere(job)).runner.pid));
};

/** As a host that is switched off: the agent there and all of the job at once. */
export const loseHost: Break = async ({ bench, id, begun }) => {
  const job = await id();
  await begun();
  const { runner, cell } = bench.beat(bench.idThere(job));
  const all = [...programsOf(bench.store, 'agent.js'), runner.pid, cell.pid];
  for (const pid of all) sendSignal(pid, 'SIGKILL');
  for (const pid of all) await kill(pid);
};

export const AGENT_STEPS = ['created', 'bundle', 'submitted', 'ended'] as const;
export type AgentStep = (typeof AGENT_STEPS)[number];

export const AGENT_STEP_WORDS: Readonly<Record<AgentStep, string>> = {
  created: 'when the job was created',
  bundle: 'when its bundle lies there',
  submitted: 'when the job was submitted',
  ended: 'when the job has told its end',
};

/** The agent of the notebook, or the one on the host, as soon as the job has come to this step there. */
export function killAgentAt(step: AgentStep, where: 'here' | 'there'): Break {
  return async (victim) => {
    const { bench } = victim;
    const directory = where === 'here' ? bench.stateDirectory : bench.store;
    if (step === 'ended') {
      await victim.begun();
      victim.goOn();
    }
    await reaches(bench, join(directory, 'jobs'), step);
    await kill(bench.agentPid(directory));
    await victim.id();
  };
}

// ---- the batch system -----------------------------------------------------------------------------------------------------------------------------

export const CONTROLLERS = {
  slurm: {
    program: 'slurmctld',
    pidFile: 'run/slurmctld.pid',
    start: 'slurmctld -f "$SLURM_CONF"',
    isUp: 'scontrol ping | grep -q "is UP"',
  },
  gridengine: {
    program: 'sge_qmaster',
    pidFile: 'spool/qmaster/qmaster.pid',
    start: 'cd / && setsid /usr/lib/gridengine/sge_qmaster',
    isUp: 'qconf -sh',
  },
} as const;

function controllerOf({ place, system }: Bench) {
  if (place === 'ssh') throw new Error('There is no controller.');
  const state = system.settings[place === 'slurm' ? 'SLURM_STATE' : 'SGE_STATE'] ?? '';
  const controller = CONTROLLERS[place];
  return { ...controller, pid: () => Number(readFileSync(join(state, controller.pidFile), 'utf8').trim()), state };
}

export async function killController(bench: Bench): Promise<void> {
  await kill(controllerOf(bench).pid());
}

export async function startController(bench: Bench): Promise<void> {
  const { start, isUp, state } = controllerOf(bench);
  await bench.asRoot('sh', '-c', `{ ${start}; } >"${state}/log/restart.log" 2>&1 </dev/null`);
  await until(
    'the controller answers',
    async () => (await bench.system.run(['sh', '-c', `timeout 5 ${wrapped(isUp)}`], 'root')).exitCode === 0,
    100,
  );
}

const wrapped = (command: string) => `sh -c '${command}'`;

/** A controller that is killed before it has handed a job on to accounting knows of it no more, and nobody else can count it. */
async function isAccounted({ bench, name }: Victim): Promise<void> {
  if (bench.place !== 'slurm') return;
  const names = ['sacct', '-X', '-n', '-P', '-S', 'now-2hours', '-o', 'JobName'] as const;
  await until('accounting knows the job', async () => (await bench.asUser(...names)).includes(`${name}.cb`), 300);
}

export const controllerDownWhileItRuns: Break = async (victim) => {
  await victim.id();
  await victim.begun();
  await isAccounted(victim);
  await killController(victim.bench);
  await pause(2500);
  await startController(victim.bench);
};

export const controllerDownAtTheEnd: Break = async (victim) => {
  await victim.id();
  await victim.begun();
  await isAccounted(victim);
  await killController(victim.bench);
  victim.goOn();
  await pause(3000);
  await startController(victim.bench);
};

export const controllerHangs: Break = async ({ bench, id, begun, goOn }) => {
  await id();
  await begun();
  const pid = controllerOf(bench).pid();
  sendSignal(pid, 'SIGSTOP');
  goOn();
  await pause(4000);
  sendSignal(pid, 'SIGCONT');
};

/** As a machine that is switched off: its daemon and all of its jobs' processes at once. */
export const loseNode: Break = async ({ bench, id, begun }) => {
  const job = await id();
  await begun();
  const node = (await bench.asUser('squeue', '-h', '-t', 'running', '-o', '%N', '-j', bench.nativeId(job))).trim();
  const state = bench.system.settings['SLURM_STATE'] ?? '';
  const { runner, cell } = bench.beat(job);
  await kill(Number(readFileSync(join(state, 'run', `slurmd.${node}.pid`), 'utf8').trim()));
  for (const pid of ancestorsOf(runner.pid, 'slurmstepd')) await kill(pid);
  for (const { pid } of [runner, cell]) await kill(pid);
  await until(
    'Slurm misses the node',
    async () => /down|unk/i.test(await bench.asUser('sinfo', '-h', '-n', node, '-o', '%t')),
    500,
  );
  await bench.asRoot('slurmd', '-f', bench.system.settings['SLURM_CONF'] ?? '', '-N', node);
};

/** An administrator takes the node away while it runs. */
export const takeNode: Break = async ({ bench, id, begun }) => {
  const job = await id();
  await begun();
  const node = (await bench.asUser('squeue', '-h', '-t', 'running', '-o', '%N', '-j', bench.nativeId(job))).trim();
  await bench.asRoot('scontrol', 'update', `NodeName=${node}`, 'State=DOWN', 'Reason=fault');
  const resume = ['scontrol', 'update', `NodeName=${node}`, 'State=RESUME'] as const;
  const isBack = async () =>
    /^(idle|mix|alloc)/.test(await bench.asUser('sinfo', '-h', '-p', 'debug', '-n', node, '-o', '%t'));
  // It may come back by itself (ReturnToService), and cannot before its job is cleared away.
  await until('the node is back', async () => (await bench.system.run(resume, 'root')).exitCode === 0 || isBack(), 200);
};

/** The same on Grid Engine, whose shepherd stands for the node. */
export const loseExecutionHost: Break = async ({ bench, id, begun }) => {
  const job = await id();
  await begun();
  const spool = join(bench.system.settings['SGE_STATE'] ?? '', 'spool', 'execd');
  const host = filesIn(spool).find((name) => existsSync(join(spool, name, 'execd.pid'))) ?? '';
  const { runner, cell } = bench.beat(job);
  const shepherds = ancestorsOf(runner.pid, 'sge_shepherd');
  await kill(Number(readFileSync(join(spool, host, 'execd.pid'), 'utf8').trim()));
  for (const pid of [...shepherds, runner.pid, cell.pid]) await kill(pid);
  await until('Grid Engine misses the node', async () => /\bau\b|\bu\b/.test(await bench.asUser('qstat', '-f')), 500);
  await bench.asRoot('sh', '-c', 'cd / && setsid /usr/lib/gridengine/sge_execd >/dev/null 2>&1 </dev/null');
};

const SUSPEND = {
  slurm: { program: 'scontrol', suspend: 'suspend', resume: 'resume' },
  gridengine: { program: 'qmod', suspend: '-sj', resume: '-usj' },
} as const;

/** An administrator needs the processors for a while. */
export const suspend: Break = async ({ bench, id, begun, goOn }) => {
  const job = await id();
  await begun();
  if (bench.place === 'ssh') throw new Error('Nobody suspends jobs there.');
  const { program, suspend: stop, resume } = SUSPEND[bench.place];
  await bench.asRoot(program, stop, bench.nativeId(job));
  goOn();
  await pause(3000);
  await bench.asRoot(program, resume, bench.nativeId(job));
};

function ancestorsOf(pid: number, program: string): number[] {
  const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '';
  const [, name = '', parent = '0'] = /^\d+ \((.*)\) \S (\d+)/.exec(stat) ?? [];
  const rest = Number(parent) > 1 ? ancestorsOf(Number(parent), program) : [];
  return name === program ? [pid, ...rest] : rest;
}

const CANCEL = { slurm: 'scancel', gridengine: 'qdel', ssh: '' } as const;

export const cancelAsOperator: Break = async ({ bench, id, begun }) => {
  const job = await id();
  await begun();
  await bench.asRoot(CANCEL[bench.place], bench.nativeId(job));
};

export const cancelInShell: Break = async ({ bench, id, begun }) => {
  const job = await id();
  await begun();
  await bench.asUser(CANCEL[bench.place], bench.nativeId(job));
};

export const cancelHere: Break = async ({ bench, id, begun }) => {
  const job = await id();
  await begun();
  await bench.run(`%cluster cancel ${job}`);
};

/** A job of a better partition needs all that there is. */
export const preempt: Break = async ({ bench, id, begun }) => {
  await id();
  await begun();
  await bench.asUser(
    'sbatch',
    '--parsable',
    '--partition=debug',
    '--nodes=2',
    '--ntasks-per-node=64',
    '--mem-per-cpu=10',
    '-o',
    '/dev/null',
    '--wrap',
    'sleep 1',
  );
};

export const reachTimeLimit: Break = async ({ bench, id, begun }) => {
  const job = await id();
  await begun();
  await bench.asRoot('scontrol', 'update', `jobid=${bench.nativeId(job)}`, 'EndTime=now+1');
};

export const waitUntilBegun: Break = async ({ id, begun }) => {
  await id();
  await begun();
};

/** What is wrong was so before. */
export const nothing: Break = () => Promise.resolve();

export const onlySubmit: Break = async ({ id }) => {
  await id();
};

// ---- files ----------------------------------------------------------------------------------------------------------------------------------------

/** In the middle of it: its head still reads. */
export const damageResult: Break = async ({ bench, id, begun, goOn }) => {
  const job = await id();
  await begun();
  goOn();
  const path = join(bench.stateDirectory, 'jobs', job, ENVELOPE_FILE);
  await until('the result is there', () => /"completed"/.test(readFileSync(join(dirname(path), RECORD_FILE), 'utf8')));
  overwrite(path, 0.7);
};

/** Before anybody has read it: the agent is away. */
export const damageHead: Break = async ({ bench, id, begun, goOn }) => {
  const job = await id();
  await begun();
  await kill(bench.agentPid());
  goOn();
  const directory = join(bench.stateDirectory, 'jobs', job);
  await until(
    'it has ended',
    () => (statSync(join(directory, OUTCOME_FILE), { throwIfNoEntry: false })?.size ?? 0) > 0,
  );
  await pause(200);
  overwrite(join(directory, ENVELOPE_FILE), 0);
};

function overwrite(path: string, where: number): void {
  const file = openSync(path, 'r+');
  try {
    const at = Math.floor(fstatSync(file).size * where);
    writeSync(file, Buffer.alloc(40, 0xa5), 0, 40, at);
  } finally {
    closeSync(file);
  }
}

/** Takes all the room that there is where the jobs are. */
export const fillDisk: Break = async ({ bench, id, begun, goOn }) => {
  await id();
  await begun();
  fill(fillerOf(bench));
  goOn();
};

/** The same where the notebook is, for as long as the job takes to end over there. */
export const fillDiskHere: Break = async ({ bench, id, begun, goOn }) => {
  await id();
  await begun();
  const filler = join(bench.stateDirectory, 'filler');
  fill(filler);
  goOn();
  await pause(4000);
  rmSync(filler);
};

function fill(path: string): void {
  const file = openSync(path, 'w');
  const piece = Buffer.alloc(1 << 20);
  try {
    for (let size = piece.length; size > 1000;) {
      try {
        writeSync(file, piece, 0, size);
      } catch {
        // Full: what is left is taken in smaller pieces.
        size = Math.floor(size / 2);
      }
    }
  } finally {
    closeSync(file);
  }
}

export async function emptyDisk(bench: Bench): Promise<void> {
  rmSync(fillerOf(bench), { force: true });
  await pause(0);
}

/** Before the cell is sent; the agents are there. */
export async function fillBefore(bench: Bench): Promise<void> {
  await bench.run(`%%cluster ${bench.cluster}\n1`);
  // What earlier jobs have left goes by itself, and would make room.
  const leftovers = [join(dirname(bench.jobs), 'spare'), ...(bench.place === 'ssh' ? [bench.jobs] : [])];
  await until('earlier jobs are cleared away', () => leftovers.every((folder) => filesIn(folder).length === 0), 100);
  fill(fillerOf(bench));
}

/** Until the list of jobs says what is wrong; it is refused, where nothing of it was on its way. */
export const waitForRoom: Break = async ({ bench, name, id }) => {
  const isSubmitted = await id().then(Boolean, () => false);
  const said = async () => JSON.stringify((await bench.run(`%cluster jobs ${await id()}`)).result?.['data']);
  if (isSubmitted)
    await until(`job ${name} says that the disk is full`, async () => (await said()).includes('full'), 300);
  await emptyDisk(bench);
};

/** The same where no agent runs yet on the host. */
export async function fillBeforeAgent(bench: Bench): Promise<void> {
  await fillBefore(bench);
  await kill(bench.agentPid(bench.store));
}

const fillerOf = (bench: Bench) => join(dirname(bench.jobs), 'filler');

/** The packages of a cell are gone, or not what they were, when its job starts. */
export const damagePackages: Break = async ({ bench, id, goOn }) => {
  const job = await id();
  const archives = environmentsFolder(dirname(bench.jobs));
  for (const name of filesIn(archives)) overwrite(join(archives, name), 0.5);
  await release(bench, job);
  goOn();
};

/** What a job prints would go to a file of somebody else's. */
export const blockLog: Break = async ({ bench, id }) => {
  const job = await id();
  writeFileSync(join(bench.jobs, job, 'scheduler.log'), '', { mode: 0o600 });
  await release(bench, job);
};

/** Its directory cannot be entered when it is to start. */
export const closeDirectory: Break = async ({ bench, id }) => {
  const job = await id();
  const directory = join(bench.jobs, job);
  chmodSync(directory, 0);
  await release(bench, job);
  const isInError = async () => /<state>\w*E\w*<\/state>/.test(await bench.asUser('qstat', '-u', '*', '-xml'));
  await until('Grid Engine has given up to start it', isInError, 300);
  chmodSync(directory, 0o700);
};

async function release(bench: Bench, job: string): Promise<void> {
  if (bench.place === 'ssh') bench.freeHost();
  if (bench.place === 'slurm') await bench.asUser('scontrol', 'release', bench.nativeId(job));
  if (bench.place === 'gridengine') await bench.asUser('qrls', bench.nativeId(job));
}

// ---- the connection -------------------------------------------------------------------------------------------------------------------------------

/** How far a job has come over there, by what lies in its directory. */
const MARKS = {
  created: RECORD_FILE,
  bundle: BUNDLE_FILE,
  running: HEARTBEAT_FILE,
  ended: OUTCOME_FILE,
} as const;

export const STEPS = ['connecting', 'created', 'bundle', 'submitted', 'running', 'ended'] as const;
export type Step = (typeof STEPS)[number];

export const STEP_WORDS: Readonly<Record<Step, string>> = {
  connecting: 'while it is made',
  created: 'when the job was created there',
  bundle: 'when the bundle is on its way',
  submitted: 'when the job was submitted there',
  running: 'while the job runs',
  ended: 'when the result is on its way home',
};

/** Cuts the connection that there is as soon as the job has come to this step. */
export function cutAt(step: Step, way: Way): Break {
  return async (victim) => {
    const { relay } = victim.bench;
    if (relay === undefined) throw new Error('There is no relay.');
    if (step === 'connecting') {
      relay.cut('reset');
      relay.cutNext(way, 1500);
      return;
    }
    if (step === 'running' || step === 'ended') await victim.begun();
    if (step === 'ended') victim.goOn();
    await reaches(victim.bench, victim.bench.jobs, step);
    relay.cut(way);
    await victim.id();
  };
}

const known = new WeakMap<Bench, ReadonlyMap<string, ReadonlySet<string>>>();

/** Jobs that were there before are none of ours; ids of here and there may be equal. */
export function rememberJobs(bench: Bench): void {
  const folders = [bench.jobs, join(bench.stateDirectory, 'jobs')];
  known.set(bench, new Map(folders.map((folder) => [folder, new Set(filesIn(folder))])));
}

/** `jobs`: the folder of them, here or there. */
async function reaches(bench: Bench, jobs: string, step: Exclude<Step, 'connecting'>): Promise<void> {
  await until(
    `the job is ${step} in ${jobs}`,
    () => {
      const job = filesIn(jobs).find((name) => known.get(bench)?.get(jobs)?.has(name) !== true);
      // Cut too late is cut as well: what has come home is deleted there.
      if (job === undefined) return step === 'ended' && jobs === bench.jobs;
      const directory = join(jobs, job);
      if (step === 'submitted') return /"submittedAt"/.test(readText(join(directory, RECORD_FILE)));
      if (step === 'bundle') return existsSync(join(directory, MARKS.bundle)) || hasParts(bench);
      return existsSync(join(directory, MARKS[step]));
    },
    2,
  );
}

function hasParts(bench: Bench): boolean {
  return filesIn(join(bench.store, 'store')).some((name) => name.endsWith('.journal'));
}

function readText(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

// ---- the answer to a submission -------------------------------------------------------------------------------------------------------------------

/** The agent is killed while the submit command hangs, before or after it has made the job. */
export const killAgentInSubmission: Break = async ({ bench, begun }) => {
  await until('the submit command hangs', () => bench.hasLost);
  await pause(1000);
  await kill(bench.agentPid());
  await begun();
};
