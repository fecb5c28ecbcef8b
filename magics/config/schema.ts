// What a cluster's entry in the config may hold. The names of the options are those of the magic line.
import * as z from 'zod';
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

export const SCHEDULERS = ['slurm', 'gridengine', 'pbs', 'none'] as const;
export const TRANSPORTS = ['ssh2', 'openssh'] as const;

/** What one file says of a cluster: each key may be left to another file, so what has to be there is a rule of the whole. */
export const clusterEntry = z
  .strictObject({
    /** `none`: jobs run on the host itself. */
    scheduler: z.enum(SCHEDULERS).optional(),
    /** `user@host`, or a Host of ~/.ssh/config. Without it the commands of the scheduler run on this machine. */
    host: word.optional(),
    transport: z.enum(TRANSPORTS).optional(),
    /** An OpenSSH client's configuration, where it is not ~/.ssh/config. */
    sshConfig: word.optional(),
    /** Shell lines for the host's agent, before it starts: `module load slurm`. */
    setup: lines.optional(),
    /** Absolute path of Node.js on the compute nodes, where the notebook's own is not to be found there. */
    node: word.optional(),
    /** On the host: where jobs are kept. Login and compute nodes have to share it. */
    store: word.optional(),
    /** Shell lines that each job begins with. */
    prologue: lines.optional(),
    partition: word.optional(),
    queue: word.optional(),
    account: word.optional(),
    qos: word.optional(),
    constraint: word.optional(),
    reservation: word.optional(),
    native: z.array(word).optional(),
    parallelEnvironment: word.optional(),
    memoryResource: word.optional(),
    gpuResource: word.optional(),
    defaults: z
      .strictObject({
        cores: count(1).optional(),
        memory: memory.optional(),
        time: duration.optional(),
        gpus: count(0).optional(),
      })
      .optional(),
    poll: z.strictObject({ first: duration.optional(), longest: duration.optional() }).optional(),
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

const REMOTE_KEYS = ['transport', 'sshConfig', 'setup', 'store'] as const;

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
    keys: REMOTE_KEYS,
    message: 'transport, sshConfig, setup and store are for a cluster with a host',
    holds: (entry) => entry.host !== undefined || REMOTE_KEYS.every((key) => entry[key] === undefined),
  },
];

const name = z
  .string()
  .regex(/^[A-Za-z][\w.-]*$/, 'a cluster is named by a word that begins with a letter')
  .refine((given) => given !== 'local', 'local is this machine, and needs no entry');

export const configFile = z.strictObject({
  /** The cluster of cells that name none. */
  default: word.optional(),
  clusters: z.record(name, clusterEntry).optional(),
});
