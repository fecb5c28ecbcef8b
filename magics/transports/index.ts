// Ways to a host agent. Each only produces one byte stream; all else is the agent's framed protocol over it (protocol/frames.ts).
import type { ClusterConfig } from '../config';
import { stateDirectory } from '../protocol/platform';
import { join } from 'node:path';
import type { Ask } from './ask';
import { HostAgent, type Transport } from './host-agent';
import { OpenSshHost } from './openssh';
import { SshHost } from './ssh';

export type { Ask, Question } from './ask';
export type { Transport } from './host-agent';

/** `programs` is where our built programs lie; `ask` reaches a person, if there is one. */
export function openTransport(
  config: ClusterConfig & { readonly host: string },
  programs: string,
  ask: Ask,
): Transport {
  const { host, sshConfig, node, store, setup } = config;
  const options = { host, ...(sshConfig === undefined ? {} : { configPath: sshConfig }) };
  const reached = config.transport === 'openssh' ? new OpenSshHost(options) : new SshHost({ ...options, ask });
  return new HostAgent(reached, programs, { node, store, setup }, join(stateDirectory(), 'node'));
}
