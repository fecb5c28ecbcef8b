// A cluster of one machine's config as the agent of another machine knows it: by a name that its content makes, so that two homes never mean
// different things by one name.
import { createHash } from 'node:crypto';
import type { ClusterConfig } from '../config';
import type { ClusterDefinition } from '../protocol/messages';
import { SCHEDULERS } from '../config';
import { UsageError } from '../protocol/errors';

export function toDefinition({ scheduler, prologue, node, site, poll }: ClusterConfig): ClusterDefinition {
  const content = { scheduler, prologue, ...poll, ...site, ...(node === undefined ? {} : { node }) };
  const digest = createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 8);
  return { ...content, name: `${scheduler}-${digest}`, prologue: [...prologue] };
}

/** Throws UsageError for a batch system that this version does not know. */
export function toConfig(definition: ClusterDefinition): ClusterConfig {
  const scheduler = SCHEDULERS.find((word) => word === definition.scheduler);
  if (scheduler === undefined)
    throw new UsageError(
      `The agent here knows no scheduler ${JSON.stringify(definition.scheduler)}: it is older than yours.`,
    );
  const { name, prologue, node, firstSeconds, longestSeconds, parallelEnvironment, memoryResource, gpuResource } =
    definition;
  return {
    name,
    scheduler,
    transport: 'ssh2',
    setup: [],
    prologue,
    batch: {},
    defaults: {},
    site: {
      ...(parallelEnvironment === undefined ? {} : { parallelEnvironment }),
      ...(memoryResource === undefined ? {} : { memoryResource }),
      ...(gpuResource === undefined ? {} : { gpuResource }),
    },
    poll: { firstSeconds, longestSeconds },
    origin: 'an agent on another machine',
    ...(node === undefined ? {} : { node }),
  };
}
