// A job in an image: another runner is started in there, by podman or Apptainer, and has the job. This one stays outside as its parent: it hands on what it is
// asked for, tells why when nothing comes to be, and when it is killed, what is inside ends (its standard input closes).
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { claimPath } from '../protocol/claim';
import { EnvironmentSetupError, messageOf } from '../protocol/errors';
import type { ContainerOrders, ContainerRuntime } from '../protocol/image';
import { OUTCOME_FILE } from '../protocol/layout';
import { hostName, identify } from '../protocol/platform';
import { RUNNER_EXIT, RUN_PROTOCOL, type Ending, type RunOrders } from '../protocol/run';
import { GRACE_MS } from './cell-process';
import { findProgram } from './find-program';
import { NODE_INSIDE, imageCommand } from './image-command';
import { scratchBase } from './packages';
import { Report } from './report';

/** What the runner inside reads after its orders. */
export const TERMINATE = 'terminate';

/** Beyond the grace that the runner inside gives the cell. */
const LAST_GRACE_MS = GRACE_MS + 3000;
const QUESTION_MS = 20_000;
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
    const { how, said } = await follow(place, orders, signal);
    if (isTold(orders.directory)) return typeof how === 'number' ? how : RUNNER_EXIT.done;
    report(orders.directory, startedAt, signal.aborted ? undefined : await explain(place, how, said));
  } catch (error) {
    if (!(error instanceof EnvironmentSetupError)) throw error;
    report(orders.directory, startedAt, messageOf(error));
  }
  return RUNNER_EXIT.done;
}

/** Instead of the runner that never was; without a reason its end was asked for. */
function report(directory: string, startedAt: number, detail: string | undefined): void {
  const ending: Ending = detail === undefined ? { kind: 'terminated' } : { kind: 'environment-failed', detail };
  const endedAt = Date.now();
  const usage = { peakMemoryMiB: 0, cpuSeconds: 0, elapsedSeconds: (endedAt - startedAt) / 1000 };
  const outcome = { protocol: RUN_PROTOCOL, host: hostName(), ending, startedAt, endedAt, usage } as const;
  new Report(directory).finish({ ...outcome, outputBytes: 0, droppedBytes: 0 });
}

/** The runner inside has taken the job: what comes of it, it tells. */
function isTold(directory: string): boolean {
  return [join(directory, OUTCOME_FILE), claimPath(directory)].some((path) => existsSync(path));
}

interface Place {
  readonly runtime: ContainerRuntime;
  readonly program: string;
  readonly name: string;
  readonly container: ContainerOrders;
  readonly argv: readonly string[];
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
  const name = `cellburst-${jobId}`;
  const argv = imageCommand({
    runtime,
    program,
    orders: container,
    name,
    directory,
    shared: [...folders, scratchBase(), ...(packages === undefined ? [] : [dirname(packages.archive)])].filter(
      isFolder,
    ),
    readable: [...new Set([dirname(programs.runner), dirname(programs.cell)])],
    nodeProgram: container.node === undefined ? process.execPath : undefined,
    environment: withSeenScratch(),
    isPlainUser: userInfo().uid > 0,
    command: [container.node ?? NODE_INSIDE, programs.runner, '--cell', programs.cell, '--inside'],
  });
  return { runtime, program, name, container, argv };
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

/** Starts it, and stays until it has ended. */
async function follow(
  { program, runtime, name, argv }: Place,
  orders: RunOrders,
  signal: AbortSignal,
): Promise<{ readonly how: number | NodeJS.Signals; readonly said: string }> {
  const taskset = orders.cpus === undefined ? undefined : findProgram('taskset');
  const [file = '', ...args] = taskset === undefined ? argv : [taskset, '-c', orders.cpus?.join(',') ?? '', ...argv];
  const child = spawn(file, args, { stdio: ['pipe', 'inherit', 'pipe'], env: withSeenScratch() });
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
  return { how, said };
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

/** Why nothing came to be, in the runtime's words and, for what people meet most, in ours. */
async function explain({ program, runtime, container }: Place, how: number | string, said: string): Promise<string> {
  const { image, node } = container;
  const words =
    said.trim() === ''
      ? `${runtime} ended ${typeof how === 'number' ? `with exit code ${how}` : `by ${how}`}`
      : tail(said);
  const cannot = `Cannot run the cell in the image ${image} on ${hostName()}`;
  if (runtime === 'podman' && (await ask(program, ['image', 'exists', image])) === 1)
    return `${cannot}: podman has no such image there. Images are not fetched by jobs: run \`podman pull\` or \`podman load\` on the cluster first. podman said: ${words}`;
  if (isLibraryTrouble(said, node ?? NODE_INSIDE))
    return node === undefined
      ? `${cannot}: the node's Node.js does not run in it. It needs glibc 2.28 or newer and libstdc++ in the image (an image of Alpine has musl instead). Take another image, or one with a Node.js of its own, named by \`node:\` of its entry. ${runtime} said: ${words}`
      : `${cannot}: there is no ${node} in it that runs. ${runtime} said: ${words}`;
  return `${cannot}. ${runtime} said: ${words}`;
}

/** The loader or a library is missing, or too old: crun, runc and Apptainer tell it as the program's absence. */
function isLibraryTrouble(said: string, node: string): boolean {
  return (
    /GLIBC(XX)?_[\d.]+' not found|error while loading shared libraries|Error relocating|Error loading shared library|shared library is likely missing/.test(
      said,
    ) ||
    (said.includes(node) && /no such file|not found/i.test(said))
  );
}

/** The exit code; undefined: it does not answer. */
async function ask(program: string, args: readonly string[]): Promise<number | undefined> {
  try {
    await promisify(execFile)(program, args, { timeout: QUESTION_MS });
    return 0;
  } catch (error) {
    return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'number'
      ? error.code
      : undefined;
  }
}

function tail(said: string): string {
  return said.trim().split('\n').slice(-5).join('\n').slice(-1500);
}
