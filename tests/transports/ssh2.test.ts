// The ssh2 package as the way to a host: cells over it, and how a host is believed and lets in.
import { createHmac } from 'node:crypto';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSystem } from '../clusters/open';
import { SshHost } from '../../magics/transports/ssh';
import type { Ask, Question } from '../../magics/transports';
import { KernelClient } from '../kernel/client';
import { endProcesses } from '../notebook/processes';
import { describeRemoteCells } from './remote';

const system = openSystem('sshd');
const settings = system.ok ? system.settings : {};
const setting = (name: string) => settings[name] ?? '';
const describeIf = system.ok ? describe : describe.skip;
const scratch = mkdtempSync(join(tmpdir(), 'cellburst-ssh-'));

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A config of the test's own, with lines before those of the servers: the first value counts. */
function configWith(lines: readonly string[]): string {
  const path = join(mkdtempSync(join(scratch, 'config-')), 'config');
  writeFileSync(path, `${lines.join('\n')}\n${readFileSync(setting('SSHD_CONFIG'), 'utf8')}`);
  return path;
}

const nobody: Ask = () => Promise.resolve(undefined);

/** Answers by the beginning of a question, and notes what was asked. */
function person(answers: Readonly<Record<string, string>>): { readonly ask: Ask; readonly asked: Question[] } {
  const asked: Question[] = [];
  const ask: Ask = (question) => {
    asked.push(question);
    const found = Object.entries(answers).find(([part]) => question.text.includes(part));
    return Promise.resolve(found?.[1]);
  };
  return { ask, asked };
}

interface Said {
  readonly out: string;
  readonly end: unknown;
}

async function say(host: string, command: string, configPath: string, ask: Ask = nobody): Promise<Said> {
  await using reached = new SshHost({ host, configPath, ask });
  const { stream, ended } = await reached.exec(command, AbortSignal.timeout(30_000));
  let out = '';
  // An iterator would close the channel at the end of its output, before it is told how the command ended.
  stream.on('data', (piece: Buffer) => (out += piece.toString()));
  const end = await ended;
  return { out, end };
}

const IN = { out: 'in\n', end: { kind: 'exit', code: 0 } };

function oneTimeCode(secret: string): string {
  const bits = [...secret.trim()]
    .map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
    .join('');
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const digest = createHmac('sha1', key).update(counter).digest();
  const offset = (digest[19] ?? 0) & 15;
  return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

describeIf(`hosts by ssh2${system.ok ? '' : ` (not tested: ${system.reason})`}`, () => {
  test('a key lets in, straight and over jump hosts, without a question', async () => {
    const { ask, asked } = person({});
    const config = setting('SSHD_CONFIG');
    expect(await say('cb-login', 'echo in', config, ask)).toEqual(IN);
    expect(await say('cb-via-jump', 'echo in', config, ask)).toEqual(IN);
    if (setting('SSHD_LINK') !== '') expect(await say('cb-inner', 'echo in', config, ask)).toEqual(IN);
    expect(asked).toEqual([]);
  });

  test('an exit code, a signal and a lost connection are told apart', async () => {
    const config = setting('SSHD_CONFIG');
    expect((await say('cb-login', 'exit 3', config)).end).toEqual({ kind: 'exit', code: 3 });
    expect((await say('cb-login', 'kill -TERM $$', config)).end).toEqual({ kind: 'signal', signal: 'SIGTERM' });
    // The parent of the command's shell is the server's own process for this connection.
    const lost = await say('cb-login', 'kill -KILL $PPID; sleep 5', config);
    expect(lost.end).toMatchObject({ kind: 'lost' });
  });

  test('an encrypted key asks for its passphrase, again when it was wrong', async () => {
    const only = configWith(['Host *', `  IdentityFile ${setting('SSHD_KEYS')}/id_passphrase`]);
    writeFileSync(only, readFileSync(only, 'utf8').replace(/^ {2}IdentityFile .*id_ed25519$/m, ''));
    let tries = 0;
    const ask: Ask = ({ text, isSecret }) => {
      expect([text.includes('id_passphrase'), isSecret]).toEqual([true, true]);
      return Promise.resolve(tries++ === 0 ? 'wrong' : setting('SSHD_KEY_PASSPHRASE'));
    };
    expect(await say('cb-login', 'echo in', only, ask)).toEqual(IN);
    expect(tries).toBe(2);
  });

  test('a password is asked for where no key lets in, and is not asked for twice', async () => {
    const config = configWith(['Host *', `  IdentityFile ${setting('SSHD_KEYS')}/none`]);
    writeFileSync(config, readFileSync(config, 'utf8').replace(/^ {2}IdentityFile .*id_ed25519$/m, ''));
    const good = person({ assword: setting('SSHD_PASSWORD') });
    expect(await say('cb-login', 'echo in', config, good.ask)).toEqual(IN);
    expect(good.asked.map(({ isSecret }) => isSecret)).toEqual([true]);
    await expect(say('cb-login', 'echo in', config, nobody)).rejects.toThrow(/nobody answered/);
    await expect(say('cb-jump', 'echo in', config, good.ask)).rejects.toThrow(/lets nobody in/);
  });

  test('a second factor is asked for step by step', async () => {
    const code = oneTimeCode(readFileSync(setting('SSHD_MFA_SECRET_FILE'), 'utf8'));
    const { ask, asked } = person({ assword: setting('SSHD_PASSWORD'), 'One-time code': code });
    expect(await say('cb-mfa', 'echo in', setting('SSHD_CONFIG'), ask)).toEqual(IN);
    expect(asked.map(({ text }) => text)).toEqual(['Password:', 'One-time code:']);
    await expect(say('cb-mfa', 'echo in', setting('SSHD_CONFIG'), nobody)).rejects.toThrow(/nobody answered/);
  });

  test('an unknown host is shown with its fingerprint, and trusted by a yes only, from then on', async () => {
    const known = join(scratch, 'known_hosts');
    const config = configWith(['Host *', `  UserKnownHostsFile ${known}`, '  StrictHostKeyChecking ask']);
    const print = execFileSync('ssh-keygen', ['-lf', `${setting('SSHD_STATE')}/hostkeys/jump.ed25519.pub`], {
      encoding: 'utf8',
    });
    const no = person({ 'Trust it?': 'no' });
    await expect(say('cb-jump', 'echo in', config, no.ask)).rejects.toThrow(/is unknown/);
    expect(no.asked[0]?.text).toContain(/SHA256:\S+/.exec(print)?.[0]);
    await expect(say('cb-jump', 'echo in', config, nobody)).rejects.toThrow(/Nobody was there/);
    const yes = person({ 'Trust it?': 'yes' });
    expect(await say('cb-jump', 'echo in', config, yes.ask)).toEqual(IN);
    expect(await say('cb-jump', 'echo in', config, nobody)).toEqual(IN);
    await expect(
      say('cb-jump', 'echo in', configWith(['Host *', '  UserKnownHostsFile /dev/null']), yes.ask),
    ).rejects.toThrow(/StrictHostKeyChecking/);
  });

  test('a host whose key has changed is refused, whatever a person says', async () => {
    const [host = '', port = ''] = setting('SSHD_JUMP').split(':');
    const known = join(scratch, 'changed');
    const other = readFileSync(`${setting('SSHD_STATE')}/hostkeys/login.ed25519.pub`, 'utf8')
      .split(' ')
      .slice(0, 2)
      .join(' ');
    const config = configWith(['Host *', `  UserKnownHostsFile ${known}`, '  StrictHostKeyChecking ask']);
    const { ask, asked } = person({ '': 'yes' });
    writeFileSync(known, `[${host}]:${port} ${other}\n`);
    await expect(say('cb-jump', 'echo in', config, ask)).rejects.toThrow(/has changed/);
    const own = readFileSync(`${setting('SSHD_STATE')}/hostkeys/jump.ed25519.pub`, 'utf8')
      .split(' ')
      .slice(0, 2)
      .join(' ');
    writeFileSync(known, `@revoked [${host}]:${port} ${own}\n`);
    await expect(say('cb-jump', 'echo in', config, ask)).rejects.toThrow(/revoked/);
    expect(asked).toEqual([]);
  });

  test('hashed known_hosts are read, and Include is followed', async () => {
    const known = join(scratch, 'hashed');
    copyFileSync(setting('SSHD_KNOWN_HOSTS'), known);
    execFileSync('ssh-keygen', ['-H', '-f', known], { stdio: 'ignore' });
    const folder = mkdtempSync(join(scratch, 'include-'));
    writeFileSync(join(folder, 'a.conf'), `Host *\n  UserKnownHostsFile ${known}\n`);
    writeFileSync(join(folder, 'config'), `Include ${folder}/*.conf\n${readFileSync(setting('SSHD_CONFIG'), 'utf8')}`);
    expect(readFileSync(known, 'utf8')).toMatch(/^\|1\|/);
    expect(await say('cb-login', 'echo in', join(folder, 'config'))).toEqual(IN);
  });

  test('a host that is not there is told as such', async () => {
    const config = configWith(['Host gone', '  HostName 127.0.0.1', '  Port 1']);
    await expect(say('gone', 'true', config)).rejects.toThrow(/Cannot reach .*@gone over SSH: .*ECONNREFUSED/);
  });

  test('the password of a host is asked for in the cell that waits', async () => {
    if (!system.ok) return;
    const store = system.makeDirectory('asked');
    const ssh = configWith(['Host *', `  IdentityFile ${setting('SSHD_KEYS')}/none`]);
    writeFileSync(ssh, readFileSync(ssh, 'utf8').replace(/^ {2}IdentityFile .*id_ed25519$/m, ''));
    const config = join(scratch, 'asking.yaml');
    writeFileSync(
      config,
      ['far', 'other']
        .map((name) => `  ${name}: { scheduler: none, host: cb-login, sshConfig: ${ssh}, store: ${store}/${name} }\n`)
        .reduce((all, line) => all + line, 'clusters:\n'),
    );
    const kernel = await KernelClient.start({ CELLBURST_CONFIG: config });
    try {
      const id = await kernel.startCell('%%cluster far\n6 * 7', { allow_stdin: true });
      const question = await kernel.stdin.wait('a question', ({ type }) => type === 'input_request');
      expect(question.content['prompt']).toMatch(/^cluster@cb-login: .*assword: $/);
      expect(question.content['password']).toBe(true);
      await kernel.answerInput(setting('SSHD_PASSWORD'), question);
      const { reply, result } = await kernel.outcome(id, performance.now(), 60_000);
      expect(reply).toMatchObject({ status: 'ok' });
      expect(JSON.stringify(result)).toContain('42');
      // Nobody could answer these.
      for (const cluster of ['far', 'other']) {
        const silent = await kernel.startCell(`%%cluster ${cluster}\n7 * 7`);
        expect((await kernel.outcome(silent, performance.now(), 60_000)).reply).toMatchObject({ status: 'ok' });
      }
      const search = spawnSync('grep', ['-rlF', setting('SSHD_PASSWORD'), kernel.directory, store], {
        encoding: 'utf8',
      });
      expect(search.stdout).toBe('');
    } finally {
      await kernel.stop();
      for (const name of ['far', 'other']) await endProcesses(`CELLBURST_STATE_DIR=${store}/${name}`);
    }
  });
});

describeRemoteCells({ system, transport: 'ssh2' });
