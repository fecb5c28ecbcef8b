// Our reading of an SSH config against the one of the real `ssh -G`, for each thing that people write in it.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { decide } from '../../magics/transports/proxy-command';
import { lookUpHost } from '../../magics/transports/ssh-config';
import { parseTarget, settingsFor, type SshSettings } from '../../magics/transports/ssh-settings';
import { describeUnless } from '../unless';

const hasSsh = spawnSync('ssh', ['-V']).status === 0;
const scratch = mkdtempSync(join(tmpdir(), 'cellburst-sshconfig-'));
const signal = AbortSignal.timeout(300_000);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(scratch, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
}

async function ours(target: string, path: string): Promise<SshSettings> {
  const parsed = parseTarget(target);
  const words = await lookUpHost(parsed, path, (command) => decide(command, signal));
  return settingsFor(parsed.alias, words, {});
}

interface Seen {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly way: string;
  readonly keyAlias: string | undefined;
  readonly identityFiles: readonly string[];
  readonly knownHosts: string;
  readonly onlyListed: boolean;
}

/** `ssh -G` prints a line for each setting; what is not set is left out, or is the default. */
function theirs(target: string, path: string): Seen {
  const { user, port, alias } = parseTarget(target);
  const args = [
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...['-F', path, '-G', '--', alias],
  ];
  const lines = execFileSync('ssh', args, { encoding: 'utf8' }).trim().split('\n');
  const all = (name: string) =>
    lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
  const one = (name: string) => all(name)[0];
  // It prints commands before their tokens are known.
  const command = one('proxycommand')
    ?.replaceAll('%h', one('hostname') ?? '')
    .replaceAll('%p', one('port') ?? '');
  return {
    host: one('hostname') ?? '',
    port: Number(one('port')),
    user: one('user') ?? '',
    way: command ?? one('proxyjump') ?? '',
    keyAlias: one('hostkeyalias'),
    identityFiles: all('identityfile').map(atHome),
    knownHosts: atHome(one('userknownhostsfile')?.split(' ')[0] ?? ''),
    onlyListed: one('identitiesonly') === 'yes',
  };
}

const atHome = (path: string) => path.replace(/^~\//, `${homedir()}/`);

function comparable({ way, ...settings }: SshSettings): Seen {
  const { host, port, user, keyAlias, identityFiles, knownHosts, onlyListed } = settings;
  const shown = way.kind === 'command' ? way.command : way.kind === 'jumps' ? way.hosts.join(',') : '';
  return { host, port, user, way: shown, keyAlias, identityFiles, knownHosts: knownHosts[0] ?? '', onlyListed };
}

const KEY = '  IdentityFile ~/.ssh/some\n';

/** Each names the files, and who is looked up. */
const CASES: readonly (readonly [string, Readonly<Record<string, string>>, readonly string[]])[] = [
  [
    'the first value counts, and files of keys add up',
    {
      config: `Host a\n  User first\n  IdentityFile ~/a\nHost *\n  User second\n  Port 2200\n  IdentityFile ~/b\n  HostName %h.example.org\n`,
    },
    ['a', 'b', 'me@a:33', 'A'],
  ],
  [
    'patterns, and hosts that are taken out of them',
    { config: `Host *.org !bad.org "two words"\n  Port 7\nHost n0? m*\n  Port=8\nHost *\n${KEY}` },
    ['good.org', 'bad.org', 'n01', 'n012', 'm', 'x'],
  ],
  [
    'Match by host, originalhost, user and localuser, and by what is not so',
    {
      config: `Host short\n  HostName long.example.org\nMatch host *.example.org\n  Port 1\nMatch originalhost short,other\n  User found\nMatch user found localuser ${userInfo().username}\n  HostKeyAlias known\nMatch !host *.example.org\n  Port 2\nMatch all\n${KEY}`,
    },
    ['short', 'other', 'else', 'found@else'],
  ],
  [
    'Match exec runs the command, with its tokens, when the criteria before it hold',
    {
      config: `Match originalhost yes exec "test %n:%p:%r = yes:22:${userInfo().username}"\n  Port 5\nMatch originalhost no exec "touch ${join(scratch, 'ran')}"\n  Port 6\nMatch exec "false"\n  Port 7\nMatch !exec "false"\n  User negated\nHost *\n${KEY}`,
    },
    ['yes', 'else'],
  ],
  [
    'Match final sees what has been found before',
    {
      config: `Match final host *.late.org\n  Port 9\nHost x\n  HostName real.late.org\nHost *.late.org\n  User late\nHost *\n${KEY}`,
    },
    ['x', 'y'],
  ],
  [
    'ProxyCommand keeps its quotes, blanks and signs, and the first way counts',
    {
      config: `Host a\n  ProxyCommand sh -c 'exec  nc "%h" %p # not=a comment' \nHost b\n  ProxyJump one,two@three:4\nHost c\n  ProxyCommand none\nHost *\n  ProxyJump late\n  ProxyCommand later\n${KEY}`,
    },
    ['a', 'b', 'c', 'd'],
  ],
  [
    'Include stands for its files, in order, within the section it is in',
    {
      config: `Host a\n  Include ${scratch}/in/*.conf\n  Port 4\nHost b\n  Port 5\nInclude ${scratch}/missing\nHost *\n${KEY}`,
      'in/2.conf': 'User from2\nPort 12\n',
      'in/1.conf': 'User from1\nHost b\n  HostName never\nHost a\n  HostName inside\n',
      'in/3.txt': 'Port 99\n',
    },
    ['a', 'b'],
  ],
  [
    'comments, blanks, tabs, letters of both sizes and quoted paths',
    {
      config: `# all\nHOST a\n\tPORT\t77\n\tidentityfile "~/my keys/one"\n  IdentitiesOnly yes\n\n   UserKnownHostsFile ~/k1 ~/k2\nHost *\n  HostKeyAlias same\n${KEY}`,
    },
    ['a', 'b'],
  ],
];

describeUnless(hasSsh ? undefined : 'there is no ssh', 'as ssh reads it', () => {
  test.each(CASES)('%s', async (_, files, targets) => {
    for (const [name, text] of Object.entries(files)) file(name, text);
    const path = join(scratch, 'config');
    for (const target of targets)
      expect([target, comparable(await ours(target, path))]).toEqual([target, theirs(target, path)]);
    expect(existsSync(join(scratch, 'ran'))).toBe(false);
  });
});

test.each([
  ['CanonicalizeHostname yes', /CanonicalizeHostname .*transport: openssh/],
  ['KnownHostsCommand /bin/keys %H', /KnownHostsCommand .*transport: openssh/],
  ['Match localnetwork 10.0.0.0/8', /"Match localnetwork" .*transport: openssh/],
  ['ProxyCommand nc %z', /"%z", which is no token/],
  ['Match host', /Missing value for match criteria host/],
])('%s is refused, with what to do', async (line, message) => {
  await expect(ours('h', file('refused', `${line}\n`))).rejects.toThrow(message);
});

test('a config that others may write is not used, as it can name commands', async () => {
  const folder = mkdtempSync(join(scratch, 'home-'));
  mkdirSync(join(folder, '.ssh'));
  const path = join(folder, '.ssh', 'config');
  writeFileSync(path, 'Host h\n  Port 5\n');
  const look = () => lookUpHost(parseTarget('h'), undefined, () => Promise.resolve(false), folder);
  expect((await look()).get('port')).toEqual(['5']);
  chmodSync(path, 0o666);
  await expect(look()).rejects.toThrow(/could be written by others.*chmod go-w/);
});

test('an include of itself, and a broken line, are told with their file', async () => {
  const loop = file('loop', `Include ${join(scratch, 'loop')}\n`);
  await expect(ours('h', loop)).rejects.toThrow(/includes itself: .*loop/);
  await expect(ours('h', file('broken', 'Host "unclosed\n'))).rejects.toThrow(/Cannot read the SSH config .*broken/);
});
