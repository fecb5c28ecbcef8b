// The clusters there are: those of the config file, and batch systems whose commands are on this machine.
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { ContainerRequest } from '../protocol/image';
import type { BatchRequest, Resources } from '../protocol/job';
import { moduleLines } from './modules';
import { configPath, projectPath, readWritten, trustedProject } from './layers';
import type { WholeEntry } from './schema';

type Environment = Readonly<Record<string, string | undefined>>;

/** One cluster as it is used. Memory in MiB, times in seconds. */
export interface ClusterConfig {
  readonly name: string;
  readonly scheduler: WholeEntry['scheduler'];
  readonly host?: string;
  readonly transport: 'ssh2' | 'openssh';
  readonly sshConfig?: string;
  /** Shell lines on the host, before its agent starts. */
  readonly setup: readonly string[];
  readonly node?: string;
  readonly store?: string;
  /** How long the host's agent stays. */
  readonly agent: 'detached' | 'connection';
  /** Site modules, which the prologue or the set-up begins with. */
  readonly modules: readonly string[];
  readonly prologue: readonly string[];
  /** Environment variables of cells. */
  readonly variables: Readonly<Record<string, string>>;
  /** The image that cells run in. */
  readonly container?: ContainerRequest;
  /** Asked for where the cell's line says nothing else. */
  readonly batch: BatchRequest;
  readonly defaults: Partial<Resources>;
  readonly site: {
    readonly parallelEnvironment?: string;
    readonly memoryResource?: string;
    readonly gpuResource?: string;
  };
  /** Where compute nodes reach the host that submits. */
  readonly listen?: string;
  readonly poll: { readonly firstSeconds: number; readonly longestSeconds: number };
  /** Something of it is said by a project's config, which only notebooks of that project know. */
  readonly isOfProject: boolean;
  /** For people: the files, or how it was found. */
  readonly origin: string;
}

/** What sites ask of those who poll their schedulers. */
const POLL = { firstSeconds: 30, longestSeconds: 60 };

/** All clusters but `local`, and what cells that name none use. */
export interface ClusterConfigs {
  readonly clusters: ReadonlyMap<string, ClusterConfig>;
  readonly defaultCluster: string;
}

/** Throws UsageError with every mistake and its place in a file. `folder` is the notebook's, for the project's config. */
export function readClusters(env: Environment = process.env, folder?: string): ClusterConfigs {
  const { found, written } = readAll(env, folder);
  const clusters = new Map([...found].map(([name, { entry, origin }]) => [name, toConfig(name, entry, origin, false)]));
  for (const [name, { entry, files }] of written.clusters)
    clusters.set(
      name,
      toConfig(
        name,
        entry,
        files.join(' over '),
        files.some((path) => path !== configPath(env)),
      ),
    );
  return { clusters, defaultCluster: written.defaultCluster?.name ?? 'local' };
}

/** What is written, and what needs no entry. */
export function readAll(env: Environment, folder: string | undefined) {
  const found = new Map(detect(env).map(({ name, ...rest }) => [name, rest]));
  const entries = new Map([...found].map(([name, { entry }]) => [name, entry]));
  const project = folder === undefined ? undefined : trustedProject(folder);
  return { found, written: readWritten(configPath(env), project, entries) };
}

/** The clusters as they are now: files are read again when they have changed. */
export class Clusters {
  readonly #env: Environment;
  readonly #folder: string | undefined;
  #stamp: string | undefined;
  #read: ClusterConfigs = { clusters: new Map(), defaultCluster: 'local' };

  /** `folder`: the notebook's, for the project's config. */
  constructor(env: Environment = process.env, folder?: string) {
    this.#env = env;
    this.#folder = folder;
  }

  /** Throws UsageError when a file has a mistake. */
  current(): ClusterConfigs {
    const project = this.#folder === undefined ? undefined : projectPath(this.#folder);
    const stamp = [configPath(this.#env), project].map(stampOf).join(' ');
    if (stamp !== this.#stamp) {
      this.#read = readClusters(this.#env, this.#folder);
      this.#stamp = stamp;
    }
    return this.#read;
  }
}

function stampOf(path: string | undefined): string {
  const found = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
  return found === undefined ? 'none' : `${path}:${found.mtimeMs}:${found.size}:${found.ino}`;
}

export function toConfig(name: string, entry: WholeEntry, origin: string, isOfProject: boolean): ClusterConfig {
  const { host, node, store, sshConfig, listen, defaults = {}, poll = {} } = entry;
  const loading = moduleLines(entry.modules ?? []);
  const hasJobs = entry.scheduler !== 'none';
  return {
    name,
    scheduler: entry.scheduler,
    transport: entry.transport ?? 'ssh2',
    agent: entry.agent ?? 'detached',
    ...defined({ host, node, store, sshConfig, listen }),
    setup: [...(hasJobs ? [] : loading), ...(entry.setup ?? [])],
    modules: entry.modules ?? [],
    variables: toVariables(entry.env ?? []),
    prologue: [...(hasJobs ? loading : []), ...(entry.prologue ?? [])],
    ...(entry.container === undefined ? {} : { container: toContainer(entry.container) }),
    batch: defined({
      queue: entry.queue,
      account: entry.account,
      qos: entry.qos,
      constraint: entry.constraint,
      reservation: entry.reservation,
      native: entry.native,
    }),
    defaults: defined({
      cores: defaults.cores,
      memoryMiB: defaults.memory,
      wallTimeSeconds: defaults.time,
      gpus: defaults.gpus,
    }),
    site: defined({
      parallelEnvironment: entry.parallelEnvironment,
      memoryResource: entry.memoryResource,
      gpuResource: entry.gpuResource,
    }),
    poll: {
      firstSeconds: poll.first ?? POLL.firstSeconds,
      longestSeconds: poll.longest ?? Math.max(POLL.longestSeconds, poll.first ?? 0),
    },
    isOfProject,
    origin,
  };
}

function toVariables(assignments: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    assignments.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]),
  );
}

function toContainer({
  image,
  mounts = [],
  options = [],
  ...rest
}: NonNullable<WholeEntry['container']>): ContainerRequest {
  return { image, mounts, options, ...defined(rest) };
}

type Defined<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(given: T): Defined<T> {
  // Exactly the fields that are there; TypeScript cannot follow the filter.
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Defined<T>;
}

interface FoundCluster {
  readonly name: string;
  readonly entry: WholeEntry;
  readonly origin: string;
}

/** A batch system is here when its submit command is, and says where its configuration is. */
function detect(env: Environment): FoundCluster[] {
  const found: FoundCluster[] = [];
  const add = (scheduler: WholeEntry['scheduler'], origin: string) => {
    found.push({ name: scheduler, entry: { scheduler }, origin });
  };
  const hasSlurm =
    env['SLURM_CONF'] || ['/etc/slurm/slurm.conf', '/run/slurm/conf/slurm.conf'].some((path) => existsSync(path));
  if (hasSlurm && isProgram('sbatch', env)) add('slurm', 'sbatch is on this machine');
  if (env['SGE_ROOT'] && isProgram('qsub', env)) add('gridengine', 'qsub is on this machine, and SGE_ROOT is set');
  else if ((env['PBS_CONF_FILE'] || existsSync('/etc/pbs.conf')) && isProgram('qsub', env))
    add('pbs', 'qsub is on this machine, and PBS is configured');
  return found;
}

function isProgram(name: string, env: Environment): boolean {
  return (env['PATH'] ?? '').split(delimiter).some((directory) => {
    if (directory === '') return false;
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      // Not there, or not ours to run: both mean no.
      return false;
    }
  });
}
