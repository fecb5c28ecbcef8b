// The clusters there are: those of the config file, and batch systems whose commands are on this machine.
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { BatchRequest, Resources } from '../protocol/job';
import type { ClusterEntry } from './schema';
import type * as Parse from './parse';

type Environment = Readonly<Record<string, string | undefined>>;

/** One cluster as it is used. Memory in MiB, times in seconds. */
export interface ClusterConfig {
  readonly name: string;
  readonly scheduler: ClusterEntry['scheduler'];
  readonly host?: string;
  readonly transport: 'ssh2' | 'openssh';
  readonly sshConfig?: string;
  /** Shell lines on the host, before its agent starts. */
  readonly setup: readonly string[];
  readonly node?: string;
  readonly store?: string;
  readonly prologue: readonly string[];
  /** Asked for where the cell's line says nothing else. */
  readonly batch: BatchRequest;
  readonly defaults: Partial<Resources>;
  readonly site: {
    readonly parallelEnvironment?: string;
    readonly memoryResource?: string;
    readonly gpuResource?: string;
  };
  readonly poll: { readonly firstSeconds: number; readonly longestSeconds: number };
  /** For people: the file, or how it was found. */
  readonly origin: string;
}

const POLL = { firstSeconds: 2, longestSeconds: 60 };

/** `$XDG_CONFIG_HOME/cellburst/config.yaml`, or the place that CELLBURST_CONFIG names. */
export function configPath(env: Environment = process.env, home = homedir()): string {
  const named = env['CELLBURST_CONFIG'];
  if (named !== undefined && named !== '') return named;
  return join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'cellburst', 'config.yaml');
}

/** All clusters but `local`, by name. Throws UsageError with every mistake and its place in the file. */
export function readClusters(env: Environment = process.env): ReadonlyMap<string, ClusterConfig> {
  const path = configPath(env);
  const found = detect(env).map((cluster): [string, ClusterConfig] => [cluster.name, cluster]);
  if (!existsSync(path)) return new Map(found);
  // Only now: YAML takes 7 MB and some milliseconds, and most kernels have no config.
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- loading it later must not make everything wait
  const { parseConfig } = require('./parse') as typeof Parse;
  const entries = Object.entries(parseConfig(readFileSync(path, 'utf8'), path));
  // An entry takes the place of what was found under the same name.
  return new Map([
    ...found,
    ...entries.map(([name, entry]): [string, ClusterConfig] => [name, toConfig(name, entry, path)]),
  ]);
}

/** The clusters as they are now: the file is read again when it has changed. */
export class Clusters {
  readonly #env: Environment;
  #stamp: string | undefined;
  #clusters: ReadonlyMap<string, ClusterConfig> = new Map();

  constructor(env: Environment = process.env) {
    this.#env = env;
  }

  /** Throws UsageError when the file has a mistake. */
  current(): ReadonlyMap<string, ClusterConfig> {
    const found = statSync(configPath(this.#env), { throwIfNoEntry: false });
    const stamp = found === undefined ? 'none' : `${found.mtimeMs}:${found.size}:${found.ino}`;
    if (stamp !== this.#stamp) {
      this.#clusters = readClusters(this.#env);
      this.#stamp = stamp;
    }
    return this.#clusters;
  }
}

function toConfig(name: string, entry: ClusterEntry, path: string): ClusterConfig {
  const { host, node, store, sshConfig, defaults = {}, poll = {} } = entry;
  return {
    name,
    scheduler: entry.scheduler,
    transport: entry.transport ?? 'ssh2',
    ...defined({ host, node, store, sshConfig }),
    setup: entry.setup ?? [],
    prologue: entry.prologue ?? [],
    batch: defined({
      queue: entry.queue ?? entry.partition,
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
    origin: path,
  };
}

type Defined<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(given: T): Defined<T> {
  // Exactly the fields that are there; TypeScript cannot follow the filter.
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Defined<T>;
}

/** A batch system is here when its submit command is, and says where its configuration is. */
function detect(env: Environment): ClusterConfig[] {
  const found: [ClusterEntry['scheduler'], string][] = [];
  const hasSlurm =
    env['SLURM_CONF'] || ['/etc/slurm/slurm.conf', '/run/slurm/conf/slurm.conf'].some((path) => existsSync(path));
  if (hasSlurm && isProgram('sbatch', env)) found.push(['slurm', 'sbatch is on this machine']);
  if (env['SGE_ROOT'] && isProgram('qsub', env))
    found.push(['gridengine', 'qsub is on this machine, and SGE_ROOT is set']);
  else if ((env['PBS_CONF_FILE'] || existsSync('/etc/pbs.conf')) && isProgram('qsub', env))
    found.push(['pbs', 'qsub is on this machine, and PBS is configured']);
  return found.map(([scheduler, origin]) => ({
    name: scheduler,
    scheduler,
    transport: 'ssh2',
    setup: [],
    prologue: [],
    batch: {},
    defaults: {},
    site: {},
    poll: POLL,
    origin,
  }));
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
