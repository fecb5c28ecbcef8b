// A job in an image: another runner is started in there, by podman or Apptainer, and has the job. This one stays outside as its parent: it hands on what it is
// asked for, tells why when nothing comes to be, and when it is killed, what is inside ends (its standard input closes).
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { claimPath } from '../protocol/claim';
import { EnvironmentSetupError, messageOf } from '../protocol/errors';
import type { ContainerOrders, ContainerRuntime } from '../protocol/image';
import { HEARTBEAT_FILE, OUTCOME_FILE } from '../protocol/layout';
import { hostName, identify } from '../protocol/platform';
import { RUNNER_EXIT, RUN_PROTOCOL, type Ending, type RunOrders } from '../protocol/run';
import { GRACE_MS } from './cell-process';
import { findProgram } from './find-program';
import { NODE_INSIDE, imageCommand, runtimeEnvironment, type InImage } from './image-command';
import { findGpus, gpuOptions } from './image-gpus';
import { explain, tail } from './image-trouble';
import { watchOomKills } from './oom-kills';
import { FOR_MEMORY, NOT_FOR_MEMORY, TERMINATE, WHY_KILLED } from './outside';
import { scratchBase } from './packages';
import { CONTAINER_PREFIX, ask, clearKilled, hostLabel, isStuck, mendPodman, wantsGroups } from './podman';
import { Report } from './report';
import { grantOf } from './run-job';

/** Beyond the grace that the runner inside gives the cell. */
const LAST_GRACE_MS = GRACE_MS + 3000;
const KEPT_CHARACTERS = 4000;

/** The exit code for our own parent; what happened is in the outcome. */
export async function runInImage(
  orders: RunOrders & { readonly container: ContainerOrders },
  programs: { readonly runner: string; readonly cell: string },
  signal: AbortSignal,
): Promise<number> {
  const startedAt = Date.now();
  try {
    const place = openPlace(orders, programs);
    const end = await followFitting(place, orders, signal);
    if (isTold(orders.directory)) return typeof end.how === 'number' ? end.how : RUNNER_EXIT.done;
    report(orders.directory, startedAt, signal.aborted ? { kind: 'terminated' } : await endingOf(place, end, orders));
  } catch (error) {
    if (!(error instanceof EnvironmentSetupError)) throw error;
    report(orders.directory, startedAt, { kind: 'environment-failed', detail: messageOf(error) });
  }
  return RUNNER_EXIT.done;
}

/** Instead of the runner that never was, or that was killed before it could. */
function report(directory: string, startedAt: number, ending: Ending): void {
  const endedAt = Date.now();
  const usage = { peakMemoryMiB: 0, cpuSeconds: 0, elapsedSeconds: (endedAt - startedAt) / 1000 };
  const outcome = { protocol: RUN_PROTOCOL, host: hostName(), ending, startedAt, endedAt, usage } as const;
  new Report(directory).finish({ ...outcome, outputBytes: 0, droppedBytes: 0 });
}

/** The runner inside has taken the job: what comes of it, it tells. */
function isTold(directory: string): boolean {
  return [join(directory, OUTCOME_FILE), claimPath(directory)].some((path) => existsSync(path));
}

/** Nothing came to be; or, once the runner inside had the job, it was killed with it. */
async function endingOf(place: Place, end: End, orders: RunOrders): Promise<Ending> {
  if (!existsSync(join(orders.directory, HEARTBEAT_FILE)))
    return {
      kind: 'environment-failed',
      detail: await explain({ ...place, ...end, tryNode: () => versionInside(end.given) }),
    };
  if (end.wasOomKill) return { kind: 'out-of-memory', detail: grantOf(orders) };
  const { how } = end;
  const detail = `The runner in the image was ended as well. ${tail(end.said)}`.trimEnd();
  // What the runtimes make of a signal.
  if (how === 137 || typeof how === 'string')
    return { kind: 'signal', signal: typeof how === 'string' ? how : 'SIGKILL', detail };
  return { kind: 'exit', code: how, detail };
}

/** What the Node.js says of itself that is to run in there. */
async function versionInside(given: InImage): Promise<string> {
  const [node = ''] = given.command;
  const [program = '', ...args] = imageCommand({ ...given, command: [node, '--version'] });
  return (await ask(program, args)).printed;
}

interface Place {
  readonly runtime: ContainerRuntime;
  readonly program: string;
  readonly name: string;
  readonly container: ContainerOrders;
  readonly given: InImage;
}

/** How a runtime ended, and the end of what it said. */
interface End {
  readonly how: number | NodeJS.Signals;
  readonly said: string;
  readonly wasOomKill: boolean;
  /** What it was told. */
  readonly given: InImage;
}

function openPlace(
  { container: asked, directory, jobId, files, packages }: RunOrders & { readonly container: ContainerOrders },
  programs: { readonly runner: string; readonly cell: string },
): Place {
  const image = asked.image.replace(/^~(?=\/)/, homedir());
  const container = { ...asked, image };
  const { runtime, program } = findRuntime(container);
  if (runtime !== 'podman' && image.startsWith('/') && !existsSync(image))
    throw new EnvironmentSetupError(
      `There is no image ${image} on ${hostName()}. Build it on the cluster (${runtime} build), where compute nodes see it.`,
    );
  makeScratch();
  const folders = [directory, container.folder, files?.root, homedir(), tmpdir()];
  const name = `${CONTAINER_PREFIX}${jobId}`;
  const given: InImage = {
    runtime,
    program,
    orders: container,
    name,
    label: hostLabel(),
    directory,
    shared: [...folders, scratchBase(), ...(packages === undefined ? [] : [dirname(packages.archive)])].filter(
      isFolder,
    ),
    readable: [...new Set([dirname(programs.runner), dirname(programs.cell)])],
    nodeProgram: container.node === undefined ? process.execPath : undefined,
    environment: withSeenScratch(),
    isPlainUser: userInfo().uid > 0,
    takesNoGroups: true,
    gpuOptions: (container.gpus ?? 0) === 0 ? [] : gpuOptions(runtime, findGpus()),
    command: [container.node ?? NODE_INSIDE, programs.runner, '--cell', programs.cell, '--inside'],
  };
  return { runtime, program, name, container, given };
}

/** What is not there cannot be shown: then each job would unpack its packages anew. */
function makeScratch(): void {
  const base = scratchBase();
  try {
    mkdirSync(base, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new EnvironmentSetupError(
      `Cannot make ${base} for the packages of cells: ${messageOf(cause)}. Set CELLBURST_SCRATCH to a folder of your own, by \`prologue:\` of this cluster.`,
      { cause },
    );
  }
}

function isFolder(path: string | undefined): path is string {
  return path !== undefined && statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Images that are files, folders or named with a scheme are Apptainer's; names are podman's. */
function findRuntime({ image, runtime }: ContainerOrders): {
  readonly runtime: ContainerRuntime;
  readonly program: string;
} {
  const isFile = image.startsWith('/') || image.endsWith('.sif') || image.includes('://');
  const fitting: readonly ContainerRuntime[] =
    runtime !== undefined ? [runtime] : isFile ? ['apptainer', 'singularity'] : ['podman'];
  for (const each of fitting) {
    const program = findProgram(each);
    if (program !== undefined) return { runtime: each, program };
  }
  throw new EnvironmentSetupError(
    `Cannot run the cell in the image ${image}: there is no ${fitting.join(' and no ')} on ${hostName()}. Load it by \`modules:\` or \`prologue:\` of this cluster, or have the cell run without an image (--container none).`,
  );
}

/** Nothing of the job has begun where podman refuses at once: it is asked again, as it wants to be. */
async function followFitting(place: Place, orders: RunOrders, signal: AbortSignal): Promise<End> {
  const refuses = (end: End): boolean =>
    place.runtime === 'podman' && !isTold(orders.directory) && !signal.aborted && end.how !== 0;
  // Beside the job, which does not wait for it.
  const cleared = place.runtime === 'podman' ? clearKilled(place.program).catch(warn) : undefined;
  let end = await follow(place, orders, signal);
  await cleared;
  if (refuses(end) && isStuck(end.said)) {
    await mendPodman(place.program, signal);
    end = await follow(place, orders, signal);
  }
  if (!refuses(end) || !wantsGroups(end.said)) return end;
  return await follow({ ...place, given: { ...place.given, takesNoGroups: false } }, orders, signal);
}

function warn(error: unknown): void {
  console.error(`What killed jobs have left of their containers cannot be cleared away: ${messageOf(error)}`);
}

/** Starts it, and stays until it has ended. */
async function follow({ program, runtime, name, given }: Place, orders: RunOrders, signal: AbortSignal): Promise<End> {
  const argv = imageCommand(given);
  const taskset = orders.cpus === undefined ? undefined : findProgram('taskset');
  const [file = '', ...args] = taskset === undefined ? argv : [taskset, '-c', orders.cpus?.join(',') ?? '', ...argv];
  const sawOomKill = watchOomKills();
  const child = spawn(file, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: runtimeEnvironment(runtime, withSeenScratch()),
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line === WHY_KILLED) child.stdin.write(`${sawOomKill() ? FOR_MEMORY : NOT_FOR_MEMORY}\n`);
    else process.stdout.write(`${line}\n`);
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    process.stderr.write(text);
    said = (said + text).slice(-KEPT_CHARACTERS);
  });
  // A container that has ended reads nothing any more: its exit tells the story.
  child.stdin.on('error', () => undefined);
  child.stdin.write(`${JSON.stringify({ ...orders, container: undefined, seenAs: identify(process.pid) })}\n`);
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    child.stdin.write(`${TERMINATE}\n`);
    timer = setTimeout(() => {
      void end({ program, runtime, name }, child);
    }, LAST_GRACE_MS);
  };
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  const how = await new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', (cause) => {
      reject(new EnvironmentSetupError(`Cannot start ${program}: ${cause.message}`, { cause }));
    });
    child.once('close', (code, by) => {
      resolve(code ?? by ?? 'SIGKILL');
    });
  });
  clearTimeout(timer);
  signal.removeEventListener('abort', stop);
  // Somebody killed the client alone: its container would go on.
  if (typeof how === 'string') await end({ program, runtime, name }, child);
  return { how, said, wasOomKill: sawOomKill(), given };
}

/** The folder for packages is a mounted one, whatever the image calls its temporary folder. */
function withSeenScratch(): NodeJS.ProcessEnv {
  return { ...process.env, CELLBURST_SCRATCH: dirname(scratchBase()) };
}

async function end(
  { program, runtime, name }: Pick<Place, 'program' | 'runtime' | 'name'>,
  child: ChildProcess,
): Promise<void> {
  if (runtime === 'podman') await ask(program, ['rm', '--force', '--time=0', name]);
  child.kill('SIGKILL');
}
