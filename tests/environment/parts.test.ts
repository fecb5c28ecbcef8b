// The pure parts: what fits where, and archives.
import { misfit } from '../../magics/environment';
import { needOf } from '../../magics/environment/elf';
import { layOut } from '../../magics/environment/tree';
import type { HostFacts } from '../../magics/protocol/host-facts';
import { TAR_END, TarReader, tarHeader, tarPadding, type TarMember } from '../../magics/protocol/tar';
import { languageOf } from '../../magics/protocol/locale';
import { showJob } from '../../magics/job-shown';
import { jobRecord } from '../../magics/protocol/records';
import { parseJson } from '../../magics/protocol/shape';
import { parseKind } from '../../magics/transports/node-program';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { makeBinary } from './elf';

const HERE: HostFacts = { node: '20.20.2', abi: '115', os: 'linux', arch: 'x64', libc: 'glibc 2.31' };

test.each([
  ['the same machine', {}, false, undefined],
  ['a newer C library', { libc: 'glibc 2.36' }, false, undefined],
  ['an older C library', { libc: 'glibc 2.28' }, false, /older/],
  ['another C library', { libc: 'musl' }, true, /musl/],
  ['another processor', { arch: 'arm64' }, true, /x64 is not arm64/],
  ['another ABI', { node: '22.1.0', abi: '127' }, false, /another ABI/],
  ['another ABI, by Node-API', { node: '22.1.0', abi: '127' }, true, undefined],
] as const)('a binary on %s', (_what, there, isFree, expected) => {
  const why = misfit(HERE, { ...HERE, ...there }, isFree);
  if (expected === undefined) expect(why).toBeUndefined();
  else expect(why).toMatch(expected);
});

test.each([
  ['older, and new enough for it', 'glibc 2.28', '2.17', undefined],
  ['too old for it', 'glibc 2.28', '2.34', 'it needs glibc 2.34 or later, and there is 2.28'],
  ['older, of which it needs nothing', 'glibc 2.17', '', undefined],
] as const)('a binary on a C library that is %s', (_what, libc, needs, expected) => {
  expect(misfit(HERE, { ...HERE, libc }, true, needs)).toBe(expected);
});

test('what a binary needs of glibc is read from it', () => {
  const ask = (bytes: Buffer, arch = 'x64') => needOf((at, length) => bytes.subarray(at, at + length), arch)?.glibc;
  const binary = makeBinary('x64', ['GLIBC_2.2.5', 'GLIBC_2.28', 'GLIBC_2.4', 'GLIBC_PRIVATE', 'GLIBCXX_3.4.30']);
  expect(ask(binary)).toBe('2.28');
  expect(ask(makeBinary('arm64', ['GLIBC_2.17']), 'arm64')).toBe('2.17');
  expect(ask(makeBinary('x64', []))).toBe('');
  // Of another processor, cut off, or none at all.
  expect([ask(binary, 'arm64'), ask(binary.subarray(0, 63)), ask(Buffer.from('text'))]).toEqual(
    Array.from({ length: 3 }),
  );
  for (let size = 64; size < binary.length; size += 7) expect(() => ask(binary.subarray(0, size))).not.toThrow();
});

test.each([
  ['Linux x86_64 glibc 2.36', 'linux', 'x64', true],
  ['Linux aarch64 unknown', 'linux', 'arm64', false],
  ['Darwin arm64 unknown', 'darwin', 'arm64', false],
])('the kind of a host that says %s', (said, os, arch, isGlibc) => {
  expect(parseKind(said)).toMatchObject({ os, arch, isGlibc });
});

test('the language of an environment', () => {
  expect(
    [{}, { LANG: 'C.UTF-8' }, { LANG: 'de_DE.UTF-8' }, { LANG: 'de_DE', LC_ALL: 'fr_FR' }].map(languageOf),
  ).toEqual(['en-US', 'en-US', 'de-DE', 'fr-FR']);
});

function read(bytes: Buffer, piece: number): Record<string, string> {
  const found: Record<string, string> = {};
  const reader = new TarReader({
    file: (path) => {
      const parts: Buffer[] = [];
      return {
        write: (part) => void parts.push(Buffer.from(part)),
        close: () => (found[path] = Buffer.concat(parts).toString()),
      };
    },
    link: (path, target) => (found[path] = `-> ${target}`),
  });
  for (let at = 0; at < bytes.length; at += piece) reader.push(bytes.subarray(at, at + piece));
  reader.end();
  return found;
}

function write(members: readonly (readonly [TarMember, string])[]): Buffer {
  const parts = members.flatMap(([member, text]) => {
    const bytes = Buffer.from(text);
    return [tarHeader(member), bytes, tarPadding(bytes.length)];
  });
  return Buffer.concat([...parts, TAR_END]);
}

const file = (path: string, text: string): readonly [TarMember, string] => [
  { kind: 'file', path, isExecutable: false, size: Buffer.byteLength(text) },
  text,
];

test('an archive gives back what went in, in pieces of any size', () => {
  const long = `${'deep/'.repeat(40)}ünïcode name.js`;
  const bytes = write([
    file('a.js', 'one'),
    file('empty', ''),
    file(long, 'x'.repeat(1500)),
    [{ kind: 'link', path: 'node_modules/b', target: `../${'far/'.repeat(40)}b` }, ''],
  ]);
  const expected = {
    'a.js': 'one',
    empty: '',
    [long]: 'x'.repeat(1500),
    'node_modules/b': `-> ../${'far/'.repeat(40)}b`,
  };
  for (const piece of [1, 511, 512, 10_000]) expect(read(bytes, piece)).toEqual(expected);
});

test('an archive that leads outside, is cut off or damaged is refused', () => {
  expect(() => read(write([file('../out', 'x')]), 512)).toThrow('outside of itself');
  expect(() => read(write([file('/etc/out', 'x')]), 512)).toThrow('outside of itself');
  const whole = write([file('a', 'text')]);
  expect(() => read(whole.subarray(0, 1024), 512)).toThrow('cut off');
  whole[3] = 65;
  expect(() => read(whole, 512)).toThrow('damaged');
});

test('packages are laid out as npm would: once at the top, below where versions differ', () => {
  const root = mkdtempSync(join(tmpdir(), 'layout-test-'));
  const install = (path: string, version: string, dependencies: Record<string, string> = {}): void => {
    const place = join(root, path, 'package.json');
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, JSON.stringify({ name: path.split('/').at(-1), version, dependencies }));
  };
  install('node_modules/a', '1.0.0', { c: '*' });
  install('node_modules/b', '1.0.0', { c: '*', gone: '*' });
  install('node_modules/b/node_modules/c', '2.0.0');
  install('node_modules/c', '1.0.0');
  const placed = layOut(
    ['a', 'b'].map((specifier) => ({ specifier, kind: 'import' as const })),
    root,
    [],
  );
  rmSync(root, { recursive: true });
  expect(placed.map(({ place, package: { version } }) => `${place} ${version ?? ''}`)).toEqual([
    'node_modules/a 1.0.0',
    'node_modules/b 1.0.0',
    'node_modules/b/node_modules/c 2.0.0',
    'node_modules/c 1.0.0',
  ]);
});

test('a job tells what differs where it ran from the machine of the notebook', () => {
  const machine = { node: '20.20.2', platform: 'linux-x64', libc: 'glibc 2.36', cpu: 'A' };
  const job = {
    id: 'abc123',
    status: { state: 'completed', outcome: 'value' },
    spec: {
      name: 'fit',
      cluster: 'hpc@1234',
      resources: { cores: 2, memoryMiB: 1024 },
      environment: { CELLBURST_SEED: '7', TZ: 'Asia/Tokyo', API_KEY: 'hidden' },
      origin: { client: 'kernel', pid: 1, directory: '/', machine },
      summary: 'fit()',
      container: { image: 'x.sif', mounts: [], options: [] },
    },
    packages: { mode: 'bundle', reason: 'plain', packages: ['yaml 2.8.0'] },
    ranOn: { ...machine, libc: 'glibc 2.28', cpu: 'B' },
  };
  const text = String(
    showJob(
      parseJson(
        JSON.stringify({ directory: '/', createdAt: 0, outputBytes: 0, droppedBytes: 0, ...job }),
        jobRecord,
        'a test',
      ),
      0,
    ).data['text/plain'],
  );
  for (const row of [
    /cluster +hpc\b/,
    /asked for +2 cores, 1(\.0)? ?GB/,
    /packages +bundle \(plain\): yaml 2\.8\.0/,
    /image +x\.sif/,
    /seed +7/,
    /TZ=Asia\/Tokyo/,
    /Node\.js +20\.20\.2$/m,
    /C library +glibc 2\.28 \(differs: glibc 2\.36 at the notebook\)/,
    /processor +B \(differs: A at the notebook\)/,
  ])
    expect(text).toMatch(row);
  expect(text).not.toContain('hidden');
});
