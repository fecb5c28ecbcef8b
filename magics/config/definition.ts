// A cluster of one machine's config as the agent of another machine knows it: by a name that its content makes, so that two homes never mean
// different things by one name.
import { createHash } from 'node:crypto';
import type { ClusterConfig } from './clusters';
import type { ClusterDefinition } from '../protocol/messages';
import { AGENTS, SCHEDULERS, TRANSPORTS } from './schema';
import { UsageError } from '../protocol/errors';

export function toDefinition({ scheduler, prologue, node, listen, site, poll }: ClusterConfig): ClusterDefinition {
  const content = {
    ...{ scheduler, prologue },
    ...poll,
    ...site,
    ...(node === undefined ? {} : { node }),
    ...(listen === undefined ? {} : { listen }),
  };
  const digest = createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 8);
  return { ...content, name: `${scheduler}-${digest}`, prologue: [...prologue] };
}

/** For the home agent: a project's cluster, which may mean something else in another project. Jobs show it under the name before the `@`. */
export function toProjectDefinition(config: ClusterConfig): ClusterDefinition {
  const { host, transport, sshConfig, setup, store, agent } = config;
  const whole = {
    ...toDefinition(config),
    transport,
    agent,
    setup: [...setup],
    ...(host === undefined ? {} : { host }),
    ...(sshConfig === undefined ? {} : { sshConfig }),
    ...(store === undefined ? {} : { store }),
  };
  const digest = createHash('sha256').update(JSON.stringify(whole)).digest('hex').slice(0, 8);
  return { ...whole, name: `${config.name}@${digest}` };
}

/** Throws UsageError for a batch system that this version does not know. */
export function fromDefinition(definition: ClusterDefinition): ClusterConfig {
  const scheduler = SCHEDULERS.find((word) => word === definition.scheduler);
  if (scheduler === undefined)
    throw new UsageError(
      `The agent here knows no scheduler ${JSON.stringify(definition.scheduler)}: it is older than yours.`,
    );
  const { name, prologue, node, firstSeconds, longestSeconds, parallelEnvironment, memoryResource, gpuResource } =
    definition;
  const { host, transport, sshConfig, setup = [], store, agent, listen } = definition;
  return {
    name,
    scheduler,
    transport: TRANSPORTS.find((word) => word === transport) ?? 'ssh2',
    agent: AGENTS.find((word) => word === agent) ?? 'detached',
    setup,
    ...(host === undefined ? {} : { host }),
    ...(sshConfig === undefined ? {} : { sshConfig }),
    ...(store === undefined ? {} : { store }),
    ...(listen === undefined ? {} : { listen }),
    // The prologue has the modules in it, the jobs their variables.
    modules: [],
    prologue,
    variables: {},
    batch: {},
    defaults: {},
    site: {
      ...(parallelEnvironment === undefined ? {} : { parallelEnvironment }),
      ...(memoryResource === undefined ? {} : { memoryResource }),
      ...(gpuResource === undefined ? {} : { gpuResource }),
    },
    poll: { firstSeconds, longestSeconds },
    isOfProject: false,
    origin: 'defined by a client',
    ...(node === undefined ? {} : { node }),
  };
}
