// Where each value of a cluster comes from, for `config explain`.
import { UsageError } from '../protocol/errors';
import { readAll, toConfig, type ClusterConfig } from './clusters';
import { didYouMean } from './nearest';
import { showDuration, showMemory } from './quantities';
import type { WholeEntry } from './schema';

export interface ExplainedValue {
  /** As it is written in a file: `defaults.memory`. */
  readonly key: string;
  /** As people read it. */
  readonly value: string;
  /** `file:line:column`, `default`, or how the cluster was found. */
  readonly from: string;
}

/** Every value that counts for a cluster, what is only a default included. Throws UsageError for a cluster that there is not, or a mistake in a file. */
export function explain(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
  folder: string | undefined,
): readonly ExplainedValue[] {
  const { found, written } = readAll(env, folder);
  const given = written.clusters.get(name);
  const detected = found.get(name);
  const entry = given?.entry ?? detected?.entry;
  if (entry === undefined) {
    const known = [...new Set([...found.keys(), ...written.clusters.keys()])];
    const hint =
      known.length === 0 ? ' No cluster is configured yet.' : `${didYouMean(name, known)} Known: ${known.join(', ')}.`;
    throw new UsageError(
      name === 'local'
        ? 'local is this machine: it has no configuration.'
        : `There is no cluster ${JSON.stringify(name)}.${hint}`,
    );
  }
  const config = toConfig(name, entry, detected?.origin ?? '', false);
  return rowsOf(config, entry).map(([key, value]) => ({
    key,
    value,
    from: given?.places.get(key) ?? (key === 'scheduler' && detected !== undefined ? detected.origin : 'default'),
  }));
}

/** `entry`: as the files say it, where the config holds more than one key in one list. */
function rowsOf(config: ClusterConfig, entry: WholeEntry): [string, string][] {
  const { batch, defaults, site, poll } = config;
  const rows: [string, string | number | readonly string[] | undefined][] = [
    ['scheduler', config.scheduler],
    ['host', config.host ?? 'none: commands run on this machine'],
    ['transport', config.host === undefined ? undefined : config.transport],
    ['agent', config.host === undefined ? undefined : config.agent],
    ['sshConfig', config.sshConfig],
    ['setup', entry.setup],
    ['modules', config.modules],
    ['node', config.node],
    ['store', config.store],
    ['listen', config.listen],
    ['prologue', entry.prologue],
    ['container', config.container?.image],
    ['env', Object.entries(config.variables).map(([variable, value]) => `${variable}=${value}`)],
    ['queue', batch.queue],
    ['account', batch.account],
    ['qos', batch.qos],
    ['constraint', batch.constraint],
    ['reservation', batch.reservation],
    ['native', batch.native],
    ['parallelEnvironment', site.parallelEnvironment],
    ['memoryResource', site.memoryResource],
    ['gpuResource', site.gpuResource],
    ['defaults.cores', defaults.cores ?? 1],
    ['defaults.memory', defaults.memoryMiB === undefined ? undefined : showMemory(defaults.memoryMiB)],
    ['defaults.time', defaults.wallTimeSeconds === undefined ? undefined : showDuration(defaults.wallTimeSeconds)],
    ['defaults.gpus', defaults.gpus],
    ['poll.first', showDuration(poll.firstSeconds)],
    ['poll.longest', showDuration(poll.longestSeconds)],
  ];
  return rows.flatMap(([key, value]): [string, string][] => {
    if (value === undefined || (Array.isArray(value) && value.length === 0)) return [];
    return [[key, Array.isArray(value) ? value.join('\n') : String(value)]];
  });
}
