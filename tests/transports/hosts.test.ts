// How a host is reached, believed and let in to, by both kinds of SSH: against real servers (tests/clusters/sshd-up.sh).
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Place } from '../cli/place';
import { lacks, missing, openSystem } from '../clusters/open';
import { describeUnless, testUnless } from '../unless';
import type { Ask } from '../../magics/transports';
import { MONITOR_TARGET, type KernelMessage, type PanelMessage } from '../../magics/protocol/monitor';
import { KernelClient, ROOT } from '../kernel/client';
import { endProcesses } from '../notebook/processes';
import {
  IN,
  KINDS,
  OWN_KEY,
  configBefore,
  nobody,
  oneTimeCode,
  openHost,
  person,
  publicKey,
  say,
  sayOn,
} from './logins';

const system = openSystem('sshd', { by: 'anybody' });
const settings = system.ok ? system.settings : {};
const setting = (name: string) => settings[name] ?? '';
const scratch = mkdtempSync(join(tmpdir(), 'cellburst-ssh-'));
const CONFIG = setting('SSHD_CONFIG');

afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
  if (system.ok) system.stop();
});

const configWith = (...lines: readonly string[]) => configBefore(scratch, lines, CONFIG);
/** With that key alone. */
const withKey = (path: string) => configBefore(scratch, ['Host *', `  IdentityFile ${path}`], CONFIG, OWN_KEY);

for (const kind of KINDS)
  describeUnless(missing(system), `hosts by ${kind}`, () => {
    test('a key lets in, straight and over jump hosts of any number, without a question', async () => {
      const { ask, asked } = person({});
      expect(await say(kind, 'cb-login', 'echo in', CONFIG, ask)).toEqual(IN);
      // Only its own config tells that the first is behind the second.
      const deep = configWith(
        'Host three',
        `  HostName 127.0.0.1`,
        `  Port ${port('SSHD_LOGIN')}`,
        '  ProxyJump two,cb-noisy',
        'Host two',
        `  HostName 127.0.0.1`,
        `  Port ${port('SSHD_LOGIN')}`,
        '  ProxyJump cb-jump',
      );
      expect(await say(kind, 'three', 'echo in', deep, ask)).toEqual(IN);
      if (setting('SSHD_NODES') !== '') expect(await say(kind, 'cb-inner', 'echo in', CONFIG, ask)).toEqual(IN);
      expect(asked).toEqual([]);
    });

    test('an exit code is told; a command of which none came is lost, never an exit by 0', async () => {
      expect((await say(kind, 'cb-login', 'exit 3', CONFIG)).end).toEqual({ kind: 'exit', code: 3 });
      // ssh(1) does not tell a signal from a lost line.
      const ended = (await say(kind, 'cb-login', 'kill -TERM $$', CONFIG)).end;
      if (kind === 'ssh2') expect(ended).toEqual({ kind: 'signal', signal: 'SIGTERM' });
      else expect(ended).toMatchObject({ kind: 'lost' });
      // The parent of the command's shell is the server's own process for this connection. Output that came before is no sign of an end either.
      const lost = await say(kind, 'cb-login', 'echo all is well; kill -KILL $PPID; sleep 5', CONFIG);
      expect(lost.end).toMatchObject({ kind: 'lost' });
    });

    test('Match exec and ProxyCommand are done as ssh does them', async () => {
      const proxy = `${process.execPath} -e 'const s = require("net").connect(+process.argv[2], process.argv[1]); process.stdin.pipe(s).pipe(process.stdout)' %h %p`;
      const lines = [
        'Host by-command',
        '  HostName 127.0.0.1',
        `  HostKeyAlias [127.0.0.1]:${port('SSHD_LOGIN')}`,
        'Match host 127.0.0.1 exec "test %n = by-command"',
        `  Port ${port('SSHD_LOGIN')}`,
        `  ProxyCommand ${proxy}`,
        'Host broken',
        "  ProxyCommand sh -c 'echo the tunnel is closed >&2; exit 1'",
      ];
      const config = configWith(...lines);
      expect(await say(kind, 'by-command', 'echo in', config)).toEqual(IN);
      // A connection that is shared has no place for what the command says (ssh(1), ControlPersist); it is gone before ssh has written, or while it does.
      const words = kind === 'ssh2' ? /Its ProxyCommand said: the tunnel is closed/ : /Connection closed|Broken pipe/;
      await expect(say(kind, 'broken', 'true', config)).rejects.toThrow(words);
    });

    test('an encrypted key asks for its passphrase, again when it was wrong', async () => {
      let tries = 0;
      const ask: Ask = ({ text, isSecret }) => {
        expect([text.includes('id_passphrase'), isSecret]).toEqual([true, true]);
        return Promise.resolve(tries++ === 0 ? 'wrong' : setting('SSHD_KEY_PASSPHRASE'));
      };
      expect(await say(kind, 'cb-jump', 'echo in', withKey(`${setting('SSHD_KEYS')}/id_passphrase`), ask)).toEqual(IN);
      expect(tries).toBe(2);
    });

    test('the agent is asked for the keys that the config names, and needs no passphrase', async () => {
      await using agent = startAgent(scratch);
      const keys = setting('SSHD_KEYS');
      addKey(agent.socket, `${keys}/id_unknown`);
      const only = configBefore(
        scratch,
        ['Host *', `  IdentityAgent ${agent.socket}`, `  IdentityFile ${keys}/id_passphrase`],
        CONFIG,
        OWN_KEY,
      );
      // IdentitiesOnly: another key of the agent is not shown, and this one not there.
      await expect(say(kind, 'cb-jump', 'echo in', only, nobody)).rejects.toThrow(
        /lets nobody in|nobody answered|Permission denied/,
      );
      addKey(agent.socket, `${keys}/id_passphrase`, setting('SSHD_KEY_PASSPHRASE'));
      expect(await say(kind, 'cb-jump', 'echo in', only, nobody)).toEqual(IN);
    });

    testUnless(lacks(system, 'SSHD_PASSWORD'))('a password is asked for where no key lets in', async () => {
      const config = withKey(`${setting('SSHD_KEYS')}/none`);
      const good = person({ assword: setting('SSHD_PASSWORD') });
      expect(await say(kind, 'cb-login', 'echo in', config, good.ask)).toEqual(IN);
      expect(good.asked.map(({ isSecret }) => isSecret)).toEqual([true]);
      await expect(say(kind, 'cb-login', 'echo in', config, nobody)).rejects.toThrow(/nobody answered/);
      await expect(say(kind, 'cb-jump', 'echo in', config, good.ask)).rejects.toThrow(
        /lets nobody in|Permission denied/,
      );
    });

    testUnless(lacks(system, 'SSHD_MFA'))(
      'a second factor is asked for step by step, once for all commands, and without a person not a second time',
      async () => {
        const code = oneTimeCode(readFileSync(setting('SSHD_MFA_SECRET_FILE'), 'utf8'));
        const { ask, asked } = person({ assword: setting('SSHD_PASSWORD'), 'One-time code': code });
        {
          await using host = openHost(kind, 'cb-mfa', CONFIG, ask);
          const all = await Promise.all([1, 2, 3].map(() => sayOn(host, 'echo in')));
          expect([...all, await sayOn(host, 'echo in')]).toEqual([IN, IN, IN, IN]);
          expect(asked.map(({ text }) => text.replace(/^\(.*?\) /, ''))).toEqual(['Password:', 'One-time code:']);
        }
        let questions = 0;
        const absent: Ask = () => {
          questions++;
          return Promise.resolve(undefined);
        };
        await expect(say(kind, 'cb-mfa', 'echo in', CONFIG, absent)).rejects.toThrow(/nobody answered/);
        expect(questions).toBe(1);
      },
    );

    test('an unknown host is shown with its fingerprint, and trusted by a yes only, from then on', async () => {
      const known = join(scratch, `known-${kind}`);
      const config = configWith(
        'Host *',
        `  UserKnownHostsFile ${known}`,
        '  StrictHostKeyChecking no',
        '  HashKnownHosts yes',
      );
      const print = execFileSync('ssh-keygen', ['-lf', `${setting('SSHD_STATE')}/hostkeys/jump.ed25519.pub`], {
        encoding: 'utf8',
      });
      const no = person({ '(yes/no': 'no' });
      await expect(say(kind, 'cb-jump', 'echo in', config, no.ask)).rejects.toThrow(/is unknown|verification failed/);
      expect(no.asked[0]?.text).toContain(/SHA256:\S+/.exec(print)?.[0]);
      expect(no.asked[0]?.isSecret).toBe(false);
      await expect(say(kind, 'cb-jump', 'echo in', config, nobody)).rejects.toThrow(/[Nn]obody (was there|answered)/);
      const yes = person({ '(yes/no': 'yes' });
      expect(await say(kind, 'cb-jump', 'echo in', config, yes.ask)).toEqual(IN);
      expect(await say(kind, 'cb-jump', 'echo in', config, nobody)).toEqual(IN);
      expect(readFileSync(known, 'utf8')).toMatch(/^\|1\|/);
      const strict = configWith('Host *', '  UserKnownHostsFile /dev/null');
      await expect(say(kind, 'cb-jump', 'echo in', strict, yes.ask)).rejects.toThrow(
        /StrictHostKeyChecking|verification failed/,
      );
      expect(yes.asked).toHaveLength(1);
    });

    test('a host whose key has changed, or was revoked, is refused whatever a person says', async () => {
      const keys = `${setting('SSHD_STATE')}/hostkeys`;
      const { ask, asked } = person({ '': 'yes' });
      const believing = (line: string, ...more: string[]) => {
        const known = join(mkdtempSync(join(scratch, 'known-')), 'hosts');
        writeFileSync(known, `${line}\n`);
        return configWith('Host *', `  UserKnownHostsFile ${known}`, '  StrictHostKeyChecking ask', ...more);
      };
      const name = `[127.0.0.1]:${port('SSHD_JUMP')}`;
      const [own, other] = [publicKey(`${keys}/jump.ed25519.pub`), publicKey(`${keys}/login.ed25519.pub`)];
      const revoked = join(scratch, 'revoked');
      writeFileSync(revoked, `${own}\n`);
      for (const [config, words] of [
        [believing(`${name} ${other}`), /has changed|HAS CHANGED/i],
        [believing(`@revoked ${name} ${own}\n${name} ${own}`), /revoked/i],
        [believing(`${name} ${own}`, `  RevokedHostKeys ${revoked}`), /revoked/i],
      ] as const)
        await expect(say(kind, 'cb-jump', 'echo in', config, ask)).rejects.toThrow(words);
      expect(asked).toEqual([]);
      // Another name is another entry.
      expect(
        await say(kind, 'cb-jump', 'echo in', believing(`nickname ${own}`, '  HostKeyAlias nickname'), ask),
      ).toEqual(IN);
    });

    test('hashed known_hosts are read, and Include with patterns is followed', async () => {
      const known = join(scratch, 'hashed');
      copyFileSync(setting('SSHD_KNOWN_HOSTS'), known);
      execFileSync('ssh-keygen', ['-H', '-f', known], { stdio: 'ignore' });
      const folder = mkdtempSync(join(scratch, 'include-'));
      writeFileSync(join(folder, 'a.conf'), `Host *\n  UserKnownHostsFile ${known}\n`);
      writeFileSync(join(folder, 'config'), `Include ${folder}/*.conf\n${readFileSync(CONFIG, 'utf8')}`);
      expect(readFileSync(known, 'utf8')).toMatch(/^\|1\|/);
      expect(await say(kind, 'cb-jump', 'echo in', join(folder, 'config'))).toEqual(IN);
    });

    test('certificates of hosts and users: ssh takes them, and ssh2 says that ssh does', async () => {
      if (kind === 'openssh') {
        expect(await say(kind, 'cb-ca', 'echo in', CONFIG)).toEqual(IN);
        return;
      }
      const { ask, asked } = person({ '': 'yes' });
      await expect(say(kind, 'cb-ca', 'echo in', CONFIG, ask)).rejects.toThrow(/@cert-authority.*transport: openssh/);
      expect(asked).toEqual([]);
      // Believed by its plain key, it still wants a certificate of the user.
      const known = join(scratch, 'plain');
      writeFileSync(
        known,
        `[127.0.0.1]:${port('SSHD_CA')} ${publicKey(`${setting('SSHD_STATE')}/hostkeys/ca.ed25519.pub`)}\n`,
      );
      const plain = configWith('Host *', `  UserKnownHostsFile ${known}`);
      await expect(say(kind, 'cb-ca', 'echo in', plain, ask)).rejects.toThrow(
        /id_certified-cert\.pub: set `transport: openssh`/,
      );
    });

    test('a host that is not there, and one that is silent, are told as such', async () => {
      const config = configWith('Host gone', '  HostName 127.0.0.1', '  Port 1');
      await expect(say(kind, 'gone', 'true', config)).rejects.toThrow(
        /Cannot reach .*gone.* over SSH: .*(ECONNREFUSED|Connection refused)/,
      );
      if (kind === 'ssh2') {
        const nameless = configWith('Host nameless', '  HostName nobody.invalid');
        await expect(say(kind, 'nameless', 'true', nameless)).rejects.toThrow(/No host has this name: correct `host:`/);
      }
      // Answers nothing, as a firewall that drops.
      const silent = configWith('Host silent', '  ProxyCommand sleep 30', '  ConnectTimeout 1');
      if (kind === 'ssh2')
        await expect(say(kind, 'silent', 'true', silent)).rejects.toThrow(/did not answer within 1 s/);
    });

    testUnless(lacks(system, 'SSHD_NODES'))('a line that falls silent is noticed by its keepalive', async () => {
      const config = configWith('Host *', '  ServerAliveInterval 1', '  ServerAliveCountMax 2');
      await using host = openHost(kind, 'cb-node', config, nobody);
      const { stream, ended } = await host.exec('echo in; sleep 120', AbortSignal.timeout(60_000));
      await new Promise((heard) => stream.once('data', heard));
      execFileSync('ip', ['link', 'set', setting('SSHD_LINK'), 'down']);
      try {
        expect(await ended).toMatchObject({ kind: 'lost' });
      } finally {
        execFileSync('ip', ['link', 'set', setting('SSHD_LINK'), 'up']);
      }
    });
  });

describeUnless(missing(system), 'cells on a host that asks', () => {
  testUnless(lacks(system, 'SSHD_PASSWORD'))(
    'in a terminal the password is asked for there, not drawn, and counts for the next command',
    async () => {
      if (!system.ok) return;
      await using place = new Place();
      const store = system.makeDirectory('asked-terminal');
      const entry = `scheduler: none, host: cb-login, sshConfig: ${withKey(`${setting('SSHD_KEYS')}/none`)}, store: ${store}`;
      place.write('config.yaml', `clusters:\n  far: { ${entry} }\n`);
      try {
        const terminal = place.atTerminal('cellburst', ['doctor', 'far']);
        await terminal.until(/cb-login: .*assword: $/);
        await terminal.enter(setting('SSHD_PASSWORD'));
        await terminal.until(/Everything is in place|need attention/);
        expect(await terminal.ended()).toBe(0);
        expect(terminal.raw).not.toContain(setting('SSHD_PASSWORD'));
        const silent = await place.run('fs', 'df', 'far:.', '--json');
        expect(silent).toMatchObject({ code: 0 });
        expect(JSON.parse(silent.out)).toHaveProperty('totalBytes');
      } finally {
        await endProcesses(`CELLBURST_STATE_DIR=${store}`);
      }
    },
    120_000,
  );

  for (const kind of KINDS)
    testUnless(lacks(system, 'SSHD_MFA'))(
      `over ${kind} password and code are asked for in the cell that waits, once for all kernels, the panel and the command line`,
      async () => {
        if (!system.ok) return;
        const store = system.makeDirectory(`asked-${kind}`);
        const config = join(scratch, `asking-${kind}.yaml`);
        const entry = `scheduler: none, host: cb-mfa, transport: ${kind}, sshConfig: ${CONFIG}`;
        const names = ['far', 'other'];
        const entries = names.map((name) => `  ${name}: { ${entry}, store: ${store}/${name} }\n`);
        writeFileSync(config, `clusters:\n${entries.join('')}`);
        const kernel = await KernelClient.start({ CELLBURST_CONFIG: config });
        const own = { CELLBURST_STATE_DIR: join(kernel.directory, 'state'), XDG_RUNTIME_DIR: kernel.directory };
        const letIn = () => (mfaLog().match(/^Accepted keyboard-interactive/gm) ?? []).length;
        const before = letIn();
        let other: KernelClient | undefined;
        try {
          const id = await kernel.startCell('%%cluster far\n6 * 7', { allow_stdin: true });
          const code = () => oneTimeCode(readFileSync(setting('SSHD_MFA_SECRET_FILE'), 'utf8'));
          for (const [words, answer] of [
            ['assword', () => setting('SSHD_PASSWORD')],
            ['One-time code', code],
          ] as const) {
            const question = await kernel.stdin.wait(
              `a question for the ${words}`,
              ({ type, content }) => type === 'input_request' && String(content['prompt']).includes(words),
            );
            expect(question.content['prompt']).toContain('cb-mfa');
            expect(question.content['password']).toBe(true);
            await kernel.answerInput(answer(), question);
          }
          const { reply, result } = await kernel.outcome(id, performance.now(), 60_000);
          expect(reply).toMatchObject({ status: 'ok' });
          expect(JSON.stringify(result)).toContain('42');
          // Somebody could answer all of these, and is not asked: more cells, another cluster behind the same host, another kernel, its panel.
          other = await KernelClient.start({ ...own, CELLBURST_CONFIG: config });
          for (const [client, cluster] of [kernel, other].flatMap((one) => names.map((name) => [one, name] as const))) {
            const silent = await client.startCell(`%%cluster ${cluster}\n7 * 7`, { allow_stdin: true });
            expect((await client.outcome(silent, performance.now(), 60_000)).reply).toMatchObject({ status: 'ok' });
          }
          await examineInPanel(other, 'far');
          const asked = [kernel, other].flatMap(({ stdin }) => stdin.messages).map(({ content }) => content['prompt']);
          expect(asked).toHaveLength(2);
          // The command line has no terminal here.
          const env = { ...process.env, ...own, CELLBURST_CONFIG: config };
          const listed = spawnSync(process.execPath, [join(ROOT, 'dist', 'cli.js'), 'fs', 'ls', `far:${store}`], {
            env,
            encoding: 'utf8',
            timeout: 50_000,
          });
          expect([listed.stderr, listed.stdout]).toEqual(['', expect.stringContaining('far')]);
          expect(letIn() - before).toBe(1);
          const search = spawnSync('grep', ['-rlF', setting('SSHD_PASSWORD'), kernel.directory, store], {
            encoding: 'utf8',
          });
          expect(search.stdout).toBe('');
        } finally {
          await other?.stop();
          await kernel.stop();
          for (const name of names) await endProcesses(`CELLBURST_STATE_DIR=${store}/${name}`);
        }
      },
    );
});

function mfaLog(): string {
  return readFileSync(join(setting('SSHD_STATE'), 'log', 'mfa.log'), 'utf8');
}

/** A person at the job panel looks at a cluster; fails when the panel is asked anything. */
async function examineInPanel(client: KernelClient, cluster: string): Promise<void> {
  const comm = { comm_id: 'panel' };
  const say = (data: PanelMessage) => client.send('shell', 'comm_msg', { ...comm, data });
  const heard = (): KernelMessage[] =>
    client.iopub.messages
      .filter(({ type, content }) => type === 'comm_msg' && content['comm_id'] === 'panel')
      .map(({ content }) => content['data'] as KernelMessage);
  await client.send('shell', 'comm_open', { ...comm, target_name: MONITOR_TARGET, data: { protocol: 1 } });
  await say({ type: 'attend', isThere: true });
  await say({ type: 'examine', request: 'look', cluster, what: 'all' });
  await client.iopub.wait('the end of the look', () => heard().some(({ type }) => type === 'examined'), 60_000);
  const findings = heard().flatMap((message) => (message.type === 'finding' ? [message.finding] : []));
  expect(findings.find(({ check }) => check === 'a tiny job')).toMatchObject({ verdict: 'fine' });
  expect(heard().filter(({ type }) => type === 'question')).toEqual([]);
}

function port(name: string): string {
  return setting(name).split(':')[1] ?? '';
}

function startAgent(folder: string): AsyncDisposable & { readonly socket: string } {
  const socket = join(mkdtempSync(join(folder, 'agent-')), 'socket');
  const child = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  return {
    socket,
    [Symbol.asyncDispose]: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      await ended;
    },
  };
}

function addKey(socket: string, path: string, passphrase = ''): void {
  const askpass = join(mkdtempSync(join(scratch, 'askpass-')), 'askpass');
  writeFileSync(askpass, `#!/bin/sh\necho '${passphrase}'\n`);
  chmodSync(askpass, 0o700);
  const env = { ...process.env, SSH_AUTH_SOCK: socket, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' };
  for (let attempt = 1; ; attempt++) {
    const { status, stderr } = spawnSync('ssh-add', [path], { env, encoding: 'utf8' });
    if (status === 0) return;
    if (attempt > 50) throw new Error(`ssh-add: ${stderr}`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
}
