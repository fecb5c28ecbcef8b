// What a cluster's entry in the config may hold. The names of the options are those of the magic line.
import * as z from 'zod';
import { CONTAINER_RUNTIMES } from '../protocol/image';
import { MODULE_NAME } from './modules';
import { parseDuration, parseMemory, quantity } from './quantities';

const count = (least: number) => z.number().int().min(least).max(1_000_000);
const word = z.string().min(1);
/** `8` and `"8"` are both how people write numbers. */
const written = z.union([z.string(), z.number()]).transform(String);
const memory = written.pipe(quantity(parseMemory, 'a size of memory such as 4GB or 500MB'));
const duration = written.pipe(quantity(parseDuration, 'a time such as 30m, 1h30m or 1:30:00'));
const lines = z.union([z.string(), z.array(z.string())]).transform((given) => {
  const all = typeof given === 'string' ? given.split('\n') : given;
  return all.map((line) => line.trimEnd()).filter((line) => line !== '');
});

export const imageEntry = z.strictObject({
  image: word.describe('A name for podman, or a file (`/path/x.sif`) or address for Apptainer.'),
  runtime: z
    .enum(CONTAINER_RUNTIMES)
    .optional()
    .describe('Without it: podman for names, Apptainer or Singularity for files and addresses.'),
  node: word
    .optional()
    .describe("Absolute path of the image's own Node.js. Without it the node's is seen in the image."),
  mounts: z
    .array(word)
    .optional()
    .describe('More paths of the node that the image shall see: PATH, or PATH:PATH-INSIDE.'),
  options: z.array(word).optional().describe('More arguments of the runtime, as `--nv`.'),
});

/** An image alone, or what has to be said of it. */
const container = z.preprocess((given) => (typeof given === 'string' ? { image: given } : given), imageEntry);

const modules = z.preprocess(
  (given) => (typeof given === 'string' ? given.split(/\s+/).filter((name) => name !== '') : given),
  z.array(z.string().regex(MODULE_NAME, 'a module is named by one word, as gcc/12.2')),
);

const VARIABLE = /^[A-Za-z_]\w*=/;
/** As `--env` of the line: one NAME=VALUE a line. */
const variables = lines.pipe(z.array(z.string().regex(VARIABLE, 'expected NAME=VALUE, as OMP_NUM_THREADS=1')));

export const SCHEDULERS = ['slurm', 'gridengine', 'pbs', 'none'] as const;
export const AGENTS = ['detached', 'connection'] as const;
export const TRANSPORTS = ['ssh2', 'openssh'] as const;

/** What one file says of a cluster: each key may be left to another file, so what has to be there is a rule of the whole. */
export const clusterEntry = z
  .strictObject({
    scheduler: z.enum(SCHEDULERS).optional().describe('What accepts the jobs; `none`: they run on the host itself.'),
    host: word
      .optional()
      .describe(
        '`user@host`, or a Host of ~/.ssh/config. Without it the commands of the scheduler run on this machine.',
      ),
    transport: z
      .enum(TRANSPORTS)
      .optional()
      .describe(
        'How the host is reached: `ssh2` (default) works everywhere; `openssh` is your own `ssh`, with all it can do. Both ask for passwords and codes in the cell.',
      ),
    sshConfig: word.optional().describe("An OpenSSH client's configuration, where it is not ~/.ssh/config."),
    setup: lines.optional().describe("Shell lines for the host's agent, before it starts, as `module load slurm`."),
    agent: z
      .enum(AGENTS)
      .optional()
      .describe(
        'How long our agent stays on the host: `detached` (default) until it has had nothing to do for a minute, `connection` only as long as the connection, for sites that forbid or end what stays behind.',
      ),
    node: word
      .optional()
      .describe(
        'Absolute path of Node.js 18 or newer on the host and its compute nodes. Without it the one on the PATH is used, or one is brought.',
      ),
    store: word
      .optional()
      .describe('Directory on the host where jobs are kept. Login and compute nodes have to share it.'),
    modules: modules
      .optional()
      .describe(
        "Site modules, as `gcc/12.2 cuda`: each batch job begins by loading them; without a scheduler the host's agent does.",
      ),
    prologue: lines.optional().describe('Shell lines that each batch job begins with, as `module load cuda`.'),
    container: container
      .optional()
      .describe(
        'The image that cells run in: its name or path, or more of it; `--container none` of a cell does without.',
      ),
    env: variables
      .optional()
      .describe('Environment variables of cells, as `OMP_NUM_THREADS=1`, one a line. `--env` of a cell goes before.'),
    partition: word.optional().describe('As `queue`.'),
    queue: word.optional().describe('Partition or queue of jobs that name none.'),
    account: word.optional().describe('Account or project that is charged.'),
    qos: word.optional().describe('Quality of service.'),
    constraint: word.optional().describe('Features that the nodes have to have.'),
    reservation: word.optional().describe('A reservation that jobs run in.'),
    native: z.array(word).optional().describe("More arguments for the cluster's own submit command, as they are."),
    parallelEnvironment: word
      .optional()
      .describe('Grid Engine: the parallel environment that gives several cores on one node.'),
    memoryResource: word
      .optional()
      .describe('Grid Engine: the resource that limits memory, `h_vmem` by default; counted per slot.'),
    gpuResource: word.optional().describe('Grid Engine: the resource that counts GPUs.'),
    listen: word
      .optional()
      .describe(
        'Grid Engine, PBS: HOST or HOST:PORT at which compute nodes reach the host that submits, for nodes that are kept (`%cluster start`). By default its name and any port; where that is blocked, files are used, as with `none`.',
      ),
    defaults: z
      .strictObject({
        cores: count(1).optional().describe('Cores of a job.'),
        memory: memory.optional().describe('Memory of a job, as 4GB.'),
        time: duration.optional().describe('Wall time of a job, as 1h30m.'),
        gpus: count(0).optional().describe('GPUs of a job.'),
      })
      .optional()
      .describe('What a cell asks for whose line says nothing else.'),
    poll: z
      .strictObject({
        first: duration.optional().describe('The shortest pause between two questions, 30s by default.'),
        longest: duration.optional().describe('The longest, 60s by default: while nothing changes, pauses double.'),
      })
      .optional()
      .describe('How often the scheduler is asked what the jobs themselves cannot tell; one question for all of them.'),
  })
  .refine((entry) => entry.partition === undefined || entry.queue === undefined, {
    path: ['partition'],
    message: 'partition and queue are two words for the same thing: keep one',
  });

export type ClusterEntry = z.output<typeof clusterEntry>;
/** What the files say together. */
export type WholeEntry = ClusterEntry & { readonly scheduler: NonNullable<ClusterEntry['scheduler']> };

interface Rule {
  /** What is shown when it is broken; where none of them is written, the cluster itself. */
  readonly keys: readonly (keyof ClusterEntry)[];
  readonly message: string;
  holds(entry: ClusterEntry): boolean;
}

const REMOTE_KEYS = ['transport', 'sshConfig', 'setup', 'store', 'agent'] as const;

export const RULES: readonly Rule[] = [
  {
    keys: ['scheduler'],
    message: `a cluster needs a scheduler: ${SCHEDULERS.join(', ')}`,
    holds: (entry) => entry.scheduler !== undefined,
  },
  {
    keys: ['scheduler'],
    message: 'without a scheduler a host is needed (this machine is the cluster `local`)',
    holds: (entry) => entry.scheduler !== 'none' || entry.host !== undefined,
  },
  {
    keys: ['prologue'],
    message: 'a prologue begins batch jobs, and there are none without a scheduler: use setup',
    holds: (entry) => entry.scheduler !== 'none' || entry.prologue === undefined,
  },
  {
    keys: REMOTE_KEYS,
    message: 'transport, sshConfig, setup, store and agent are for a cluster with a host',
    holds: (entry) => entry.host !== undefined || REMOTE_KEYS.every((key) => entry[key] === undefined),
  },
];

/** What a cluster may be called. */
export const clusterName = z
  .string()
  .regex(/^[A-Za-z][\w.-]*$/, 'a cluster is named by a word that begins with a letter')
  .refine((given) => given !== 'local', 'local is this machine, and needs no entry');

export const configFile = z.strictObject({
  /** The cluster of cells that name none. */
  default: word.optional(),
  // Nothing below it yet, or all of it commented out, is no mistake.
  clusters: z.record(clusterName, clusterEntry).nullish(),
});
