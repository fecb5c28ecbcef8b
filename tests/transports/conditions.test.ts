// A host that cannot have our programs as it is: what is wrong has a name, and the error says what to set. By real mounts, under a real sshd, where they can be
// made; the words of the others are those that were seen elsewhere.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { missing, openSystem } from '../clusters/open';
import { describeUnless } from '../unless';
import { HostConditionError, conditionOf, fullness, type Condition } from '../../magics/transports/conditions';
import { HostAgent } from '../../magics/transports/host-agent';
import { nobody, openHost } from './logins';

const system = openSystem('sshd');
const mounts: string[] = [];
const scratch = system.ok ? mkdtempSync(join(tmpdir(), 'cellburst-conditions-')) : '';

afterAll(() => {
  for (const place of mounts) execFileSync('umount', ['-l', place]);
  rmSync(scratch, { recursive: true, force: true });
  if (system.ok) system.stop();
});

/** A file system of the plain user's. */
function mount(name: string, options: string): string {
  if (!system.ok) return '';
  const place = system.makeDirectory(name);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `mode=777,${options}`, 'tmpfs', place]);
  mounts.push(place);
  return place;
}

/** All commands but Node: one has to be brought. */
function withoutNode(): string {
  const folder = system.ok ? system.makeDirectory('bin') : '';
  const names = new Set(readdirSync('/usr/bin'));
  for (const name of names)
    if (!/^(node|nodejs|npm|npx|corepack)$/.test(name)) symlinkSync(join('/usr/bin', name), join(folder, name));
  return folder;
}

async function opening(...setup: string[]): Promise<unknown> {
  const host = openHost('ssh2', 'cb-login', system.ok ? (system.settings['SSHD_CONFIG'] ?? '') : '', nobody);
  const store = system.ok ? system.makeDirectory('store') : '';
  const settings = { node: undefined, store, setup, agent: 'connection' } as const;
  await using agent = new HostAgent(host, resolve(__dirname, '..', '..', 'dist'), settings, scratch);
  try {
    const { stream } = await agent.open(AbortSignal.timeout(50_000));
    stream.destroy();
    return 'it was opened';
  } catch (error) {
    return error;
  }
}

describeUnless(missing(system), 'hosts that cannot have our programs', () => {
  test.each<[Condition, string, RegExp]>([
    ['disk-full', 'size=64k', /its disk is full.*XDG_CACHE_HOME/],
    ['inodes-used-up', 'size=64m,nr_inodes=3', /no inodes left.*XDG_CACHE_HOME/],
    ['read-only', 'ro', /mounted read-only.*XDG_CACHE_HOME/],
  ])('%s', async (condition, options, words) => {
    const problem = await opening(`export XDG_CACHE_HOME=${mount(condition, options)}`);
    expect(problem).toBeInstanceOf(HostConditionError);
    expect(problem).toMatchObject({ condition, message: expect.stringMatching(words) as unknown });
  });

  test('not-executable: a Node.js is brought, and may not be run', async () => {
    const place = mount('noexec', 'noexec,size=512m');
    const problem = await opening(`export XDG_CACHE_HOME=${place}`, `export PATH=${withoutNode()}`);
    expect(problem).toMatchObject({
      condition: 'not-executable',
      message: expect.stringMatching(/noexec.*XDG_CACHE_HOME.*node:/s) as unknown,
    });
  });

  test('killed: a limit on memory is told as what it is', async () => {
    // Node.js does not even start in so little.
    const problem = await opening('kill -KILL $$');
    expect(problem).toMatchObject({
      condition: 'killed',
      message: expect.stringMatching(/was killed there/) as unknown,
    });
  });
});

test.each<[string, Condition | undefined]>([
  ['mkdir: cannot create directory ‘/home/u/.cache’: Disk quota exceeded', 'quota-used-up'],
  [
    "Error: EDQUOT: quota exceeded, write\n    at Object.writeSync (node:fs:917:3) {\n  code: 'EDQUOT'",
    'quota-used-up',
  ],
  [
    "/home/u/.cache/cellburst/node/ab/bin/node: /lib64/libc.so.6: version `GLIBC_2.28' not found (required by node)",
    'old-libc',
  ],
  ["node: /lib64/libstdc++.so.6: version `GLIBCXX_3.4.21' not found", 'old-libc'],
  ['sh: 9: /h/.part-1/bin/node: Permission denied', 'not-executable'],
  ['bash: line 3: 712 CPU time limit exceeded (core dumped)', 'killed'],
  ['mkdir: cannot create directory ‘/home/u’: Permission denied', 'no-permission'],
  ['something new', undefined],
])('%s', (said, condition) => {
  expect(conditionOf(said, { code: 1 })).toBe(condition);
});

test('blocks and inodes are full in the same words, and df tells them apart', () => {
  const blocks = '/dev/sda1 1000 1000 0 100% /home';
  expect(fullness(`${blocks}\n/dev/sda1 50 50 0 100% /home`)).toBe('inodes-used-up');
  expect(fullness(`${blocks}\n/dev/sda1 50 20 30 40% /home`)).toBe('disk-full');
  // btrfs has no number of inodes.
  expect(fullness(`${blocks}\n/dev/sda1 0 0 0 - /home`)).toBe('disk-full');
});
