// Ways to a host agent. Each only produces one byte stream; all else is the agent's framed protocol over it (protocol/frames.ts).
import type { ClusterConfig } from '../config';
import { UsageError } from '../protocol/errors';
import { HostAgent, type Transport } from './host-agent';
import { OpenSshHost } from './openssh';

export type { Transport } from './host-agent';

/** `programs` is where our built programs lie. */
export function openTransport(config: ClusterConfig & { readonly host: string }, programs: string): Transport {
  const { host, sshConfig, node = 'node', store, setup } = config;
  if (config.transport === 'ssh2')
    throw new UsageError(
      `The cluster ${config.name} asks for the transport ssh2, which is not there yet: use openssh.`,
    );
  const reached = new OpenSshHost({ host, ...(sshConfig === undefined ? {} : { configPath: sshConfig }) });
  return new HostAgent(reached, programs, { node, store, setup });
}
