// What can be set about the agent, from its environment and its command line.
import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { UsageError } from '../protocol/errors';
import { ALLOCATION_STATE } from '../protocol/layout';
import { allocationOrders, type AllocationOrders } from '../protocol/run';
import { parseJson } from '../protocol/shape';
import { allowedCpus, stateDirectory } from '../protocol/platform';
import type { LocalOptions } from '../schedulers';
import type { Retention } from '../jobs';
import type { StoreLimits } from '../store';
import type { Bridge } from './bridge';

type Environment = Readonly<Record<string, string | undefined>>;

export interface Settings {
  readonly stateDirectory: string;
  /** Not to be an agent, but a way to it. */
  readonly bridge?: Bridge;
  /** To be the agent of an allocation: what was granted, and how long it may be idle. */
  readonly allocation?: AllocationOrders;
  /** Where our programs lie. */
  readonly programDirectory: string;
  /** Without jobs and clients the agent ends after this time. */
  readonly idleMs: number;
  readonly retention: Retention;
  readonly store: StoreLimits;
  readonly local: Omit<LocalOptions, 'report'>;
}

const MIB = 1024 * 1024;

/** `agent.js [--runner PROGRAM] [--cell PROGRAM] [--allocation ORDERS]`; the programs beside agent.js are used otherwise. */
export function readSettings(argv: readonly string[], env: Environment, programDirectory: string): Settings {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      runner: { type: 'string' },
      cell: { type: 'string' },
      bridge: { type: 'string' },
      socket: { type: 'string' },
      'to-running': { type: 'boolean' },
      bound: { type: 'boolean' },
      allocation: { type: 'string' },
    },
  });
  const allocation =
    values.allocation === undefined
      ? undefined
      : parseJson(readFileSync(values.allocation, 'utf8'), allocationOrders, values.allocation);
  return {
    ...(values.bridge === undefined
      ? {}
      : {
          bridge: {
            marker: values.bridge,
            ...(values.socket === undefined ? {} : { socketWord: values.socket }),
            start: values['to-running'] === true ? 'none' : values.bound === true ? 'here' : 'detached',
          },
        }),
    ...(allocation === undefined ? {} : { allocation }),
    programDirectory,
    stateDirectory: allocation === undefined ? stateDirectory(env) : join(allocation.directory, ALLOCATION_STATE),
    idleMs: (allocation?.keepSeconds ?? readNumber(env, 'CELLBURST_AGENT_IDLE_SECONDS', 60)) * 1000,
    retention: {
      days: readNumber(env, 'CELLBURST_KEEP_DAYS', 30),
      jobs: readNumber(env, 'CELLBURST_KEEP_JOBS', 1000),
      bytes: readNumber(env, 'CELLBURST_KEEP_GB', 20) * 1e9,
    },
    store: {
      days: readNumber(env, 'CELLBURST_KEEP_DAYS', 30),
      bytes: readNumber(env, 'CELLBURST_STORE_GB', 20) * 1e9,
    },
    local: {
      machine: readMachine(allocation, env),
      programs: {
        runner: values.runner ?? join(programDirectory, 'runner.js'),
        ...(values.cell === undefined ? {} : { cell: values.cell }),
      },
      warmMs: readNumber(env, 'CELLBURST_WARM_SECONDS', 300) * 1000,
      nodeProgram: process.execPath,
      isBound: allocation !== undefined,
    },
  };
}

/** A container's limits count, not the host's size. */
function readMachine(allocation: AllocationOrders | undefined, env: Environment): LocalOptions['machine'] {
  const cores = allocation?.cores ?? availableParallelism();
  const granted = process.constrainedMemory();
  const bytes = granted > 0 && granted < totalmem() ? granted : totalmem();
  const cpus = allowedCpus();
  const memoryMiB = allocation?.memoryMiB ?? Math.floor(bytes / MIB);
  const gpus = grantedGpus(allocation, env);
  return {
    cores,
    memoryMiB,
    ...(cpus?.length === cores ? { cpus } : {}),
    ...(gpus === undefined ? {} : { gpus }),
  };
}

/** By the names that the batch system gave them; where it gave none, by number. */
function grantedGpus(allocation: AllocationOrders | undefined, env: Environment): readonly string[] | undefined {
  const { gpus = 0 } = allocation ?? {};
  if (gpus === 0) return undefined;
  const named = (env['CUDA_VISIBLE_DEVICES'] ?? '').split(',').filter((name) => name !== '');
  return named.length >= gpus ? named : Array.from({ length: gpus }, (_, i) => String(i));
}

function readNumber(env: Environment, name: string, otherwise: number): number {
  const text = env[name];
  if (text === undefined || text === '') return otherwise;
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new UsageError(`Cannot read ${name}=${JSON.stringify(text)}: a number of 0 or more was expected.`);
}
