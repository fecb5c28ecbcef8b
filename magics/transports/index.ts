// Ways to a host agent. Each only produces one byte stream; all else is the agent's framed protocol over it (protocol/frames.ts).
import type { ClusterConfig } from '../config';
import { HostAgent, type Transport } from './host-agent';
import { OpenSshHost } from './openssh';

export type { Transport } from './host-agent';

/** `programs` is where our built programs lie. */
export function openTransport(config: ClusterConfig & { readonly host: string }, programs: string): Transport {
  const { host, sshConfig, node = 'node', store, setup } = config;
  const reached = new OpenSshHost({ host, ...(sshConfig === undefined ? {} : { configPath: sshConfig }) });
  return new HostAgent(reached, programs, { node, store, setup });
}
