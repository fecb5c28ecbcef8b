// Trees as an attacker would make them, and as careless people do: nothing is written or read outside of the tree, and what cannot travel is named.
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { landOutputs } from '../../magics/files/landing';
import { toRanges } from '../../magics/protocol/chunks';
import type { FileEntry } from '../../magics/protocol/job-files';
import { leadsOut } from '../../magics/protocol/links';
import { Contents, place, readAsContent, scan, type ContentSource } from '../../magics/store';

const signal = new AbortController().signal;

let directory: string;
beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'hostile-')));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

const path = (name: string): string => join(directory, name);
function write(name: string, text: string): void {
  mkdirSync(dirname(path(name)), { recursive: true });
  writeFileSync(path(name), text);
}

async function unpack(source: ContentSource, to: string): Promise<void> {
  const contents = new Contents({
    directory: path('store'),
    limits: { bytes: 1e9, days: 30 },
    log: (line) => {
      throw new Error(line);
    },
  });
  const arrival = contents.arrival(source.content, source.list);
  for (const index of arrival.lacks()) await arrival.take(toRanges([index]), await source.read(index, index + 1));
  await arrival.gather(source.content, signal, () => undefined);
  await place(contents.get(source.content), path(to), { signal });
}

/** A tree as its bytes are (store/tree-head.ts), whatever it says. */
async function forged(entries: readonly object[], bytes = ''): Promise<ContentSource> {
  const head = Buffer.from(JSON.stringify(entries));
  const prefix = Buffer.from('CBTREE01\0\0\0\0', 'latin1');
  prefix.writeUInt32LE(head.length, 8);
  const cut = { smallest: 1024, largest: 65_536, usual: 1024 };
  return scan('tree', [{ kind: 'memory', bytes: Buffer.concat([prefix, head, Buffer.from(bytes)]), cut }], { signal });
}

const file = (name: string) => ({ kind: 'file', path: name, mode: 0o644, bytes: 1 });
const link = (name: string, target: string) => ({ kind: 'link', path: name, target });
const folder = (name: string) => ({ kind: 'directory', path: name, mode: 0o755 });

test.each([
  ['an absolute path', [file('/etc/x')]],
  ['a way up', [folder('a'), file('a/../../x')]],
  ['a way up as a folder', [folder('..'), file('../x')]],
  ['an empty name', [file('')]],
  ['a name with a NUL', [file('a\0b')]],
  ['a name twice', [file('a'), file('a')]],
  ['a file through a link', [folder('inner'), link('door', 'inner'), file('door/x')]],
  ['a file below a file', [file('a'), file('a/b')]],
  ['a folder in the place of a link', [link('a', '.'), folder('a'), file('a/x')]],
  ['an absolute link', [link('a', '/etc')]],
  ['a link up', [folder('a'), link('a/b', '../../outside')]],
  [
    'a link up by way of a link up',
    [folder('a'), folder('a/b'), link('a/b/top', '../..'), link('door', 'a/b/top/../outside')],
  ],
  ['a link through a link that says it is deep', [folder('d'), link('d/here', '.'), link('o', 'd/here/here/../../..')]],
  ['more bytes than it has', [{ ...file('a'), bytes: 1_000_000 }]],
  ['an unknown kind', [{ kind: 'device', path: 'a' }]],
])('a tree with %s is refused whole', async (_, entries) => {
  const source = await forged(entries, 'x');
  await expect(unpack(source, 'deep/there')).rejects.toThrow(
    /impossible entry|leads out of it|shorter than|Cannot read the head/,
  );
  expect(readdirSync(directory).sort()).toEqual(existsSync(path('deep')) ? ['deep', 'store'] : ['store']);
  if (existsSync(path('deep'))) expect(readdirSync(path('deep'))).toEqual([]);
});

test('modes of a tree give nobody the rights of another user', async () => {
  await unpack(await forged([{ ...file('a'), mode: 0o6755 }], 'x'), 'there');
  expect(statSync(path('there/a')).mode & 0o7777).toBe(0o755);
});

test.each([
  ['x', 'y', false],
  ['x', '.', false],
  ['a/x', '..', false],
  ['a/x', '../..', true],
  ['x', '..', true],
  ['x', '', true],
  ['x', 'a/../..', true],
  ['x', 'top/..', true],
  ['x', 'deep/up/..', true],
  ['x', 'deep/up/deep', false],
  ['x', 'circle/..', false],
  ['x', 'out/..', true],
])('a link %s -> %s leads out of its tree: %s', (name, target, expected) => {
  const links = new Map([
    ['top', '.'],
    ['deep/up', '..'],
    ['circle', 'circle'],
    ['out', '/etc'],
  ]);
  expect(leadsOut(name, target, links)).toBe(expected);
});

test('links of a real tree stay links, hard links become files, and names may hold anything but what is no text', async () => {
  write('tree/a/file', 'text');
  linkSync(path('tree/a/file'), path('tree/hard'));
  symlinkSync('a', path('tree/door'));
  symlinkSync('nowhere', path('tree/broken'));
  for (const name of ['new\nline', "it's", '-rf', '*', 'ümläut', '日本', ' ']) write(`tree/${name}`, name);
  const { source } = await readAsContent(path('tree'), path('seen'), { signal });
  await unpack(source, 'there');
  expect(readdirSync(path('there'))).toEqual(readdirSync(path('tree')));
  expect([readlinkSync(path('there/door')), readlinkSync(path('there/broken'))]).toEqual(['a', 'nowhere']);
  expect([readFileSync(path('there/hard'), 'utf8'), readFileSync(path('there/new\nline'), 'utf8')]).toEqual([
    'text',
    'new\nline',
  ]);
});

test.each([
  ['pipe', 'mkfifo pipe', /pipe: it is neither a file nor a directory nor a link/],
  ['name that is no UTF-8', `: > "$(printf 'a\\377b')"`, /its name is no UTF-8\. Rename it/],
  ['link that leads out', 'ln -s / out', /out: it is a link that leads out of .*Copy what it points to/],
  [
    'link that leads out by way of another',
    'mkdir -p a/b && ln -s ../.. a/b/top && ln -s a/b/top/../x out',
    /out: it is a link that leads out of/,
  ],
])('a real tree with a %s is refused by name', async (_, script, message) => {
  write('tree/file', 'text');
  execFileSync('sh', ['-c', script], { cwd: path('tree') });
  await expect(readAsContent(path('tree'), path('seen'), { signal })).rejects.toThrow(message);
});

describe('outputs of a job', () => {
  const land = (entries: readonly FileEntry[]) =>
    landOutputs(
      {
        from: path('job'),
        files: {
          inputs: 'sent',
          root: path('home'),
          folder: '.',
          outputs: [{ base: 'results', glob: '**' }],
          count: 0,
          bytes: 0,
          links: [],
        },
        list: { entries, missing: [], left: [] },
        jobId: 'abc123',
        since: Date.now(),
      },
      signal,
    );
  const entry = (name: string): FileEntry => ({ kind: 'file', path: name, size: 1, mode: 0o644, modifiedAt: 0 });

  test('that were never named land nowhere', async () => {
    write('job/other', 'x');
    await expect(land([entry('other')])).rejects.toThrow(/other, which was never named as an output/);
    await expect(land([entry('results/../other')])).rejects.toThrow();
  });

  test('land through no link that the job has made', async () => {
    write('job/other/x', 'x');
    write('home/other/x', 'mine');
    mkdirSync(path('job/results'));
    symlinkSync('../other', path('job/results/door'));
    const door: FileEntry = { kind: 'link', path: 'results/door', target: '../other' };
    await expect(land([entry('results/door/x')])).rejects.toThrow(/by way of a symbolic link/);
    const landed = await land([door, entry('results/door/x')]);
    expect(landed.left.map((left) => left.path)).toEqual(['results/door/x']);
    expect(readFileSync(path('home/other/x'), 'utf8')).toBe('mine');
  });

  test('land through no link that lies here, but for one that was named', async () => {
    write('job/results/door/x', 'x');
    write('job/results/y', 'y');
    write('home/other/x', 'mine');
    mkdirSync(path('home/real'));
    symlinkSync('real', path('home/results'));
    symlinkSync('../other', path('home/real/door'));
    const landed = await land([entry('results/door/x'), entry('results/y')]);
    expect(readFileSync(path('home/other/x'), 'utf8')).toBe('mine');
    expect(readFileSync(path('home/real/y'), 'utf8')).toBe('y');
    expect(landed.left).toEqual([
      {
        path: 'results/door/x',
        reason: `results/door is a symbolic link here, which is not followed; it stays at ${path('job/results/door/x')}`,
      },
    ]);
  });
});
