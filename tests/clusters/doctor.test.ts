// What the doctor says where something is really wrong: a store that the compute nodes do not see, a scheduler that is not there, a host that is not believed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Duplex } from 'node:stream';
import { AgentConnection } from '../../magics/client';
import { endsLeftovers } from '../../magics/agent/examine';
import { trouble, type Finding } from '../../magics/protocol/finding';
import { examineHost } from '../../magics/transports/examine';
import { endProcesses } from '../notebook/processes';
import { configBefore, nobody, openHost } from '../transports/logins';
import { describeOn, openSystem } from './open';

const sshd = openSystem('sshd', { by: 'anybody' });
const slurm = openSystem('slurm');
const scratch = mkdtempSync(join(tmpdir(), 'cellburst-doctor-'));
const AGENT = resolve(__dirname, '..', '..', 'dist', 'agent.js');

afterAll(async () => {
  await endProcesses(`CELLBURST_STATE_DIR=${scratch}/own`);
  rmSync(scratch, { recursive: true, force: true });
});

async function all(findings: AsyncIterable<Finding>): Promise<Finding[]> {
  const found: Finding[] = [];
  for await (const one of findings) found.push(one);
  return found;
}

describeOn('the doctor on a login node of Slurm', slurm, ({ settings }) => {
  /** An agent whose store lies on a file system of its own: no other machine, and no compute node, sees it. */
  async function examine(variables: Readonly<Record<string, string>>): Promise<Finding[]> {
    const state = join(scratch, 'own');
    const own = `mkdir -p "$1"; mount -t tmpfs tmpfs "$1"; mkdir "$1/state"; CELLBURST_STATE_DIR="$1/state"; export CELLBURST_STATE_DIR; shift; exec "$@"`;
    const command = ['--mount', 'sh', '-c', own, 'sh', state, process.execPath, AGENT, '--bridge', 'marker', '--bound'];
    const env = { ...process.env, ...variables, XDG_RUNTIME_DIR: scratch, CELLBURST_STATE_DIR: state };
    const child = spawn('unshare', command, { stdio: ['pipe', 'pipe', 'inherit'], env });
    const stream = Duplex.from({ writable: child.stdin, readable: child.stdout });
    await using agent = new AgentConnection({
      connect: () => Promise.resolve({ stream, marker: 'marker' }),
      agent: 'agent',
      place: 'agent.log',
      requestTimeoutMs: 40_000,
      isPassive: true,
    });
    const found = await all(agent.examine('slurm', AbortSignal.timeout(80_000)));
    await agent[Symbol.asyncDispose]();
    stream.destroy();
    if (child.exitCode === null) await once(child, 'exit');
    return found;
  }

  test('a store that compute nodes do not see is told, with what to set', async () => {
    const found = await examine(settings);
    const [seen] = found.filter(({ check }) => check === 'store on nodes');
    expect(seen?.verdict).toBe('trouble');
    expect(seen?.says).toMatch(/nothing of it was seen here.*set store: to a directory that they see/);
  }, 90_000);

  test('a controller that is not there is told, and nodes are not looked for', async () => {
    const { SLURM_CONF: real = '' } = settings;
    const other = join(scratch, 'slurm.conf');
    writeFileSync(other, readFileSync(real, 'utf8').replace(/^SlurmctldPort=.*$/m, 'SlurmctldPort=1'));
    const found = await examine({ ...settings, SLURM_CONF: other });
    const [asked] = found.filter(({ check }) => check === 'Slurm');
    expect(asked?.verdict).toBe('trouble');
    expect(asked?.says).toMatch(/Does sinfo work in a shell on that host\?/);
    expect(found.map(({ check }) => check)).not.toContain('compute node');
  }, 90_000);
});

describeOn('the doctor on the way to a host', sshd, (system) => {
  const config = system.settings['SSHD_CONFIG'] ?? '';
  const settings = { node: undefined, store: undefined, setup: [], agent: 'detached' } as const;
  async function examine(
    host: string,
    lines: readonly string[],
    more: Partial<typeof settings> = {},
  ): Promise<Finding[]> {
    await using reached = openHost('ssh2', host, configBefore(scratch, lines, config), nobody);
    return await all(examineHost(reached, { ...settings, ...more }, AbortSignal.timeout(50_000)));
  }

  test('each step has a line, and the first that fails says what to do', async () => {
    expect((await examine('cb-login', [])).map(({ check, verdict }) => `${check}: ${verdict}`)).toEqual([
      'reach: fine',
      'host key: fine',
      'login: fine',
      'login shell: fine',
      'clock: fine',
      'Node.js there: fine',
    ]);
    const gone = await examine('gone', ['Host gone', '  HostName 127.0.0.1', '  Port 1']);
    expect(gone).toEqual([trouble('reach', expect.stringMatching(/ECONNREFUSED/) as string)]);
    const strange = await examine('cb-login', ['Host *', '  UserKnownHostsFile /dev/null']);
    expect(strange.map(({ check, verdict }) => [check, verdict])).toEqual([
      ['reach', 'fine'],
      ['host key', 'trouble'],
    ]);
    expect(strange[1]?.says).toMatch(/SHA256:.*add it to known_hosts/);
    const shut = await examine('cb-jump', ['Host *', '  PubkeyAuthentication no']);
    expect(shut.map(({ check, verdict }) => [check, verdict])).toEqual([
      ['reach', 'fine'],
      ['host key', 'fine'],
      ['login', 'trouble'],
    ]);
    expect(shut[2]?.says).toMatch(/lets nobody in/);
  });

  test('a login file that prints is told with what it costs', async () => {
    const found = await examine('cb-noisy', []);
    expect(found.find(({ check }) => check === 'login shell')?.says).toMatch(
      /takes [1-9][\d.]* s and prints \d lines, which we skip/,
    );
  });
});

test('sites that end what is left behind at logout are known by the last word of their config', () => {
  expect(endsLeftovers('[Login]\n#KillUserProcesses=yes\n')).toBe(false);
  expect(endsLeftovers('[Login]\nKillUserProcesses=no\n[Login]\nKillUserProcesses = yes\n')).toBe(true);
  expect(endsLeftovers('KillUserProcesses=yes\nKillUserProcesses=no\n')).toBe(false);
});
