// Two machines that share a state directory, as the login nodes behind one name do: here machines are processes with a host name of their own, and, where they
// are cut off, a network of their own. One agent owns the directory; others come in to it, or take its place when it is dead.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Duplex } from 'node:stream';
import { AgentConnection } from '../../magics/client';
import { isFinal } from '../../magics/protocol/job';
import { isAlive, sendSignal } from '../../magics/protocol/platform';
import { endProcesses } from '../notebook/processes';
import { run, running, submit, until } from './setting';

const AGENT = resolve(__dirname, '..', '..', 'dist', 'agent.js');
const canBeMachines =
  process.platform === 'linux' && spawnSync('unshare', ['--uts', '--net', 'true'], { timeout: 10_000 }).status === 0;
const describeIf = canBeMachines ? describe : describe.skip;
const LEASE_SECONDS = 4;

class Shared implements AsyncDisposable {
  /** Too long for a socket in it: each machine has its sockets in a /tmp of its own. */
  readonly stateDirectory = join(mkdtempSync(join(tmpdir(), 'cb-')), 'x'.repeat(100));
  readonly #open: { readonly child: ChildProcess; readonly agent: AgentConnection }[] = [];

  /** A connection as SSH makes one, to a machine of this name. */
  connect(machine: string, ...options: ('--bound' | '--alone')[]): AgentConnection {
    const inMachine = `hostname ${machine}; mkdir -p "$1" "$1-$(hostname)"; mount --bind "$1-$(hostname)" "$1"; export TMPDIR="$1"; shift; exec "$@"`;
    const marker = `marker-${machine}`;
    const flags = options.filter((option) => option === '--bound');
    const namespaces = ['--uts', '--mount', ...(options.includes('--alone') ? ['--net'] : [])];
    const child = spawn(
      'unshare',
      [
        ...namespaces,
        'sh',
        '-c',
        inMachine,
        'sh',
        resolve(this.stateDirectory, '..', 'tmp'),
        process.execPath,
        AGENT,
        '--bridge',
        marker,
        ...flags,
      ],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: {
          ...process.env,
          XDG_RUNTIME_DIR: '',
          CELLBURST_STATE_DIR: this.stateDirectory,
          CELLBURST_LEASE_SECONDS: String(LEASE_SECONDS),
        },
      },
    );
    const stream = Duplex.from({ writable: child.stdin, readable: child.stdout });
    stream.on('error', () => undefined);
    child.stdin.on('error', () => undefined);
    // A bridge that ends without a word is an error of its own, as it is over SSH.
    const gone = once(child, 'exit').then(() => Promise.reject(new Error('The bridge has ended.')));
    gone.catch(() => undefined);
    // At its end it is readable as well, and has nothing.
    const heard = once(child.stdout, 'readable').then(() =>
      child.stdout.readableLength > 0 ? { stream, marker } : gone,
    );
    const opened = Promise.race([heard, gone]);
    opened.catch(() => undefined);
    const agent = new AgentConnection({
      connect: () => opened,
      agent: `agent of ${machine}`,
      place: 'agent.log',
      requestTimeoutMs: 40_000,
      nodeProgram: process.execPath,
      isPassive: true,
    });
    this.#open.push({ child, agent });
    return agent;
  }

  get log(): string {
    const path = join(this.stateDirectory, 'agent.log');
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { agent, child } of this.#open) {
      await agent[Symbol.asyncDispose]();
      child.kill('SIGKILL');
    }
    await endProcesses(`CELLBURST_STATE_DIR=${this.stateDirectory}`);
    rmSync(resolve(this.stateDirectory, '..'), { recursive: true, force: true });
  }
}

const WAIT = 'setInterval(() => undefined, 1000);';

describeIf(
  `machines that share a state directory${canBeMachines ? '' : ' (not tested: only root on Linux can make them)'}`,
  () => {
    test('a second machine comes in to the agent of the first, and both see the same jobs', async () => {
      await using shared = new Shared();
      const [here, there] = [shared.connect('first'), shared.connect('second')];
      const { pid } = await here.status();
      expect((await there.status()).pid).toBe(pid);
      const job = await run(there, 'finish()');
      expect((await here.job(job.id)).status.state).toBe('completed');
      // Who comes again finds the door open.
      expect((await shared.connect('second').status()).pid).toBe(pid);
      expect(existsSync(join(shared.stateDirectory, 'agent.fence'))).toBe(false);
      expect(readdirSync(shared.stateDirectory).filter((name) => name.endsWith('.sock') || name === 'run')).toEqual([]);
    });

    test('where no way leads to the first, it makes room when it has no jobs of its own machine, and stays for those', async () => {
      await using shared = new Shared();
      const here = shared.connect('first');
      const { pid } = await here.status();
      const job = await running(here, await submit(here, WAIT));
      await expect(shared.connect('second', '--alone').status()).rejects.toThrow();
      expect((await here.status()).pid).toBe(pid);
      await here.cancel(job.id);
      await until('the job has ended', async () => isFinal((await here.job(job.id)).status));
      const there = shared.connect('third', '--alone');
      expect((await there.status()).pid).not.toBe(pid);
      await until('the first has ended', () => !isAlive({ pid }));
      expect((await there.jobs()).map(({ id }) => id)).toEqual([job.id]);
    });

    test('an agent that shows no life is replaced, and when it wakes it ends without writing another word', async () => {
      await using shared = new Shared();
      const here = shared.connect('first');
      const { pid } = await here.status();
      const job = await running(here, await submit(here, WAIT));
      sendSignal(pid, 'SIGSTOP');
      const there = shared.connect('second');
      const next = await there.status();
      expect(next.pid).not.toBe(pid);
      expect(readFileSync(join(shared.stateDirectory, 'agent.fence'), 'utf8')).toBe('1\n');
      const fenced = join(job.directory, 'record.1.json');
      expect([existsSync(fenced), existsSync(join(job.directory, 'record.json'))]).toEqual([true, false]);
      // The job is still the first machine's, and goes on.
      expect((await there.job(job.id)).status.state).toBe('running');
      const asked = here.cancel(job.id).catch((error: unknown) => error);
      sendSignal(pid, 'SIGCONT');
      expect(await asked).toBeInstanceOf(Error);
      await until('the first has ended', () => !isAlive({ pid }));
      expect(shared.log).toMatch(/Another agent has taken over .* \(1 over 0\)/);
      expect(existsSync(join(job.directory, 'record.json'))).toBe(false);
      // Nothing of the one that was overrun has reached the job: only its owner can cancel it, from its machine.
      expect((await there.job(job.id)).cancelRequestedAt).toBeUndefined();
      await there.cancel(job.id);
      const ended = await until('the job has ended', async () => {
        const found = await there.job(job.id);
        return isFinal(found.status) && found;
      });
      expect(ended.status.state).toBe('cancelled');
    });

    test('an agent that is bound to its connection ends with it, and jobs go on for the next one', async () => {
      await using shared = new Shared();
      const first = shared.connect('only', '--bound');
      const { pid } = await first.status();
      const job = await running(first, await submit(first, WAIT));
      // A second connection shares it.
      expect((await shared.connect('only', '--bound').status()).pid).toBe(pid);
      await first[Symbol.asyncDispose]();
      await until('the agent has left', () => !isAlive({ pid }));
      const next = shared.connect('only', '--bound');
      expect((await next.status()).pid).not.toBe(pid);
      expect((await next.job(job.id)).status.state).toBe('running');
      await next.cancel(job.id);
      await until('the job has ended', async () => isFinal((await next.job(job.id)).status));
    });
  },
);
