// The agent of a host over a real sshd: behind login files that are slow and print all sorts of things, and on several login nodes (machines with names, networks
// and a /tmp of their own, which share a home) behind one name.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { AgentConnection } from '../../magics/client';
import type { JobRecord } from '../../magics/protocol/job';
import { BUNDLE_FILE } from '../../magics/protocol/layout';
import { sendSignal } from '../../magics/protocol/platform';
import { HostAgent } from '../../magics/transports/host-agent';
import { running, specOf, until, writeBundle } from '../agent/setting';
import { lacks, missing, openSystem } from '../clusters/open';
import { describeUnless } from '../unless';
import { endProcesses, isAlive, processesWith } from '../notebook/processes';
import { KINDS, configBefore, nobody, openHost, publicKey, type Kind } from './logins';

const system = openSystem('sshd', { by: 'anybody' });
const setting = (name: string) => (system.ok ? (system.settings[name] ?? '') : '');
const noNodes = missing(system) ?? lacks(system, 'SSHD_NODES');
const scratch = mkdtempSync(join(tmpdir(), 'cellburst-host-agents-'));
const stores: string[] = [];

afterAll(async () => {
  for (const store of stores) await endProcesses(`CELLBURST_STATE_DIR=${store}`);
  rmSync(scratch, { recursive: true, force: true });
  if (system.ok) system.stop();
});

function makeStore(name: string): string {
  const store = system.ok ? system.makeDirectory(name) : '';
  stores.push(store);
  return store;
}

interface Opened extends AsyncDisposable {
  readonly agent: AgentConnection;
}

/** A connection of its own to the agent of a host. */
function connect(kind: Kind, host: string, config: string, store: string, setup: readonly string[] = []): Opened {
  const settings = { node: undefined, store, setup, agent: 'detached' } as const;
  const transport = new HostAgent(
    openHost(kind, host, config, nobody),
    resolve(__dirname, '..', '..', 'dist'),
    settings,
    scratch,
  );
  const agent = new AgentConnection({
    connect: (signal) => transport.open(signal),
    agent: `agent of ${host}`,
    place: 'agent.log',
    requestTimeoutMs: 60_000,
    nodeProgram: process.execPath,
    isPassive: true,
  });
  return {
    agent,
    [Symbol.asyncDispose]: async () => {
      await agent[Symbol.asyncDispose]();
      await transport[Symbol.asyncDispose]();
    },
  };
}

/** A bundle that the host's user may read: it is written by this one. */
async function submitAs(agent: AgentConnection, code: string): Promise<JobRecord> {
  const job = await agent.create(specOf());
  await writeBundle(job.directory, code);
  if (system.ok && system.user.ids !== undefined)
    execFileSync('chown', [system.user.name, join(job.directory, BUNDLE_FILE)]);
  return await agent.submit(job.id);
}

for (const kind of KINDS)
  describeUnless(missing(system), `login files, over ${kind}`, () => {
    test('what they print is skipped, and what they cost is paid once per connection', async () => {
      const logins = () => readFileSync(join(setting('SSHD_STATE'), 'run', 'logins'), 'utf8').split('\n').length;
      const store = makeStore(`noisy-${kind}`);
      {
        await using first = connect(kind, 'cb-noisy', setting('SSHD_CONFIG'), store);
        expect((await first.agent.status()).jobs.running).toBe(0);
      }
      const before = logins();
      await using again = connect(kind, 'cb-noisy', setting('SSHD_CONFIG'), store);
      for (let i = 0; i < 10; i++) await again.agent.status();
      expect(logins() - before).toBe(1);
    });
  });

describeUnless(missing(system), 'the way to the agent, over ssh2', () => {
  test('leads straight to its socket, and through a process of ours where the host forwards no sockets', async () => {
    const bridges = (store: string) =>
      processesWith(`CELLBURST_STATE_DIR=${store}`).filter(({ command }) => command.includes('--bridge')).length;
    const [straight, through] = [makeStore('straight'), makeStore('through')];
    await using one = connect('ssh2', 'cb-login', setting('SSHD_CONFIG'), straight);
    expect((await one.agent.status()).stateDirectory).toBe(straight);
    await until('the process that found the agent has gone', () => bridges(straight) === 0);
    // The connection is as it was.
    expect((await one.agent.status()).stateDirectory).toBe(straight);
    await using other = connect('ssh2', 'cb-noisy', setting('SSHD_CONFIG'), through);
    expect((await other.agent.status()).stateDirectory).toBe(through);
    expect(bridges(through)).toBe(1);
  });

  test('is known to be lost when the agent is', async () => {
    const store = makeStore('lost');
    await using opened = connect('ssh2', 'cb-login', setting('SSHD_CONFIG'), store);
    const { pid } = await opened.agent.status();
    const watching = opened.agent.changes(new AbortController().signal).next();
    sendSignal(pid, 'SIGKILL');
    await expect(watching).rejects.toThrow(/closed the connection/);
    expect((await opened.agent.status()).pid).not.toBe(pid);
  });
});

describeUnless(noNodes, 'several login nodes behind one name', () => {
  /** Both show keys that are known under one name, as the nodes of a cluster do. */
  function configFor(node: 'node' | 'inner'): string {
    const [here = '', there = ''] = setting('SSHD_NODES').split(' ');
    const known = join(scratch, 'known');
    const keys = ['node', 'inner'].map((name) => publicKey(`${setting('SSHD_STATE')}/hostkeys/${name}.ed25519.pub`));
    writeFileSync(
      known,
      keys.map((key) => `cluster ${key}\n`).join('') + readFileSync(setting('SSHD_KNOWN_HOSTS'), 'utf8'),
    );
    const way = node === 'node' ? [] : ['  ProxyJump cb-node'];
    const lines = ['Host cluster', `  HostName ${node === 'node' ? here : there}`, '  HostKeyAlias cluster', ...way];
    return configBefore(scratch, [...lines, 'Host *', `  UserKnownHostsFile ${known}`], setting('SSHD_CONFIG'));
  }

  test('one agent owns the store; the other node leads to it, and takes its place when it shows no life', async () => {
    // Too long for a socket in it: each node has its own /tmp.
    const store = join(makeStore('shared'), 'x'.repeat(90));
    stores.push(store);
    const setup = ['export CELLBURST_LEASE_SECONDS=5'];
    await using first = connect('ssh2', 'cluster', configFor('node'), store, setup);
    const { pid } = await first.agent.status();
    const job = await running(first.agent, await submitAs(first.agent, 'setInterval(() => undefined, 1000);'));
    await using second = connect('ssh2', 'cluster', configFor('inner'), store, setup);
    expect((await second.agent.status()).pid).toBe(pid);
    expect((await second.agent.job(job.id)).status).toMatchObject({ state: 'running' });
    // As a node does that has lost its power, for all that the others can tell.
    sendSignal(pid, 'SIGSTOP');
    await using third = connect('ssh2', 'cluster', configFor('inner'), store, setup);
    const next = await third.agent.status();
    expect(next.pid).not.toBe(pid);
    expect((await third.agent.job(job.id)).status).toMatchObject({ state: 'running' });
    sendSignal(pid, 'SIGCONT');
    await until('the overrun agent has ended', () => !isAlive(pid));
    expect(readFileSync(join(store, 'agent.log'), 'utf8')).toMatch(/Another agent has taken over/);
    // Asked from the other node, which no signal reaches from here.
    await third.agent.cancel(job.id);
    await until('the job has ended', async () => (await third.agent.job(job.id)).status.state === 'cancelled');
    // And the first node now leads to the second.
    await using fourth = connect('ssh2', 'cluster', configFor('node'), store, setup);
    expect((await fourth.agent.status()).pid).toBe(next.pid);
  }, 120_000);
});
