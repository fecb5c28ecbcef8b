// A cluster of another kind than this machine: packages that have a variant for each kind of machine go there in the one for it, or are refused before a job is
// made. The machines are told, not had; npm, the archives and what is installed from them are real.
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Environments } from '../../magics/environment';
import { isFor } from '../../magics/environment/variants';
import { INSTALL_FOLDER, type PackageMode } from '../../magics/protocol/environment';
import { archivePath } from '../../magics/protocol/layout';
import { ownFacts, type HostFacts } from '../../magics/protocol/host-facts';
import { TarReader } from '../../magics/protocol/tar';
import { installPackages } from '../../magics/runner/install';
import { ROOT } from '../kernel/client';
import { writeAddOn } from './add-on';
import { makeBinary } from './elf';
import { openRegistry, type Registry, type Served } from './registry';
import { testUnless } from '../unless';

const LONG_MS = 120_000;
const canBuild = existsSync(join(dirname(dirname(process.execPath)), 'include', 'node', 'node.h'));
const ARM: HostFacts = { ...ownFacts(), os: 'linux', arch: 'arm64', libc: 'glibc 2.36' };
const MUSL: HostFacts = { ...ownFacts(), os: 'linux', arch: 'x64', libc: 'musl' };

test.each([
  [{ os: ['linux'], cpu: ['arm64'], libc: [] }, ARM, true],
  [{ os: ['linux'], cpu: ['x64'], libc: [] }, ARM, false],
  [{ os: ['linux'], cpu: ['x64'], libc: ['glibc'] }, MUSL, false],
  [{ os: ['linux'], cpu: ['x64'], libc: ['musl'] }, MUSL, true],
  [{ os: ['!win32'], cpu: [], libc: [] }, ARM, true],
  [{ os: ['!linux'], cpu: [], libc: [] }, ARM, false],
])('a package for %j', (machine, host, expected) => {
  expect(isFor(machine, host)).toBe(expected);
});

/** A library as sharp is: code, a variant for each machine, and what that in turn needs beside it. */
const variant = (kind: string, machine: object, needs: readonly string[] = []): Served => ({
  name: `@fast/${kind}`,
  version: '1.0.0',
  manifest: {
    ...machine,
    main: 'fast.node',
    optionalDependencies: Object.fromEntries(needs.map((name) => [`@fast/${name}`, '1.0.0'])),
  },
  files: { 'fast.node': `binary for ${kind}` },
});
const PACKAGES: readonly Served[] = [
  variant('linux-arm64', { os: ['linux'], cpu: ['arm64'] }, ['parts-linux-arm64']),
  variant('parts-linux-arm64', { os: ['linux'], cpu: ['arm64'] }),
  variant('linuxmusl-x64', { os: ['linux'], cpu: ['x64'], libc: ['musl'] }),
  variant('linux-x64', { os: ['linux'], cpu: ['x64'], libc: ['glibc'] }),
  {
    name: '@new/linux-arm64',
    version: '1.0.0',
    manifest: { os: ['linux'], cpu: ['arm64'], libc: ['glibc'] },
    files: { 'new.node': makeBinary('arm64', ['GLIBC_2.17', 'GLIBC_2.34']) },
  },
];

describe('packages with a variant for each kind of machine', () => {
  const folder = mkdtempSync(join(tmpdir(), 'variants-test-'));
  const state = join(folder, 'state');
  let registry: Registry;
  beforeAll(async () => {
    registry = await openRegistry(PACKAGES);
    const install = (name: string, manifest: object, files: Record<string, string>): void => {
      const place = join(folder, 'node_modules', name);
      mkdirSync(place, { recursive: true });
      const all = { 'package.json': JSON.stringify({ name, version: '1.0.0', ...manifest }), ...files };
      for (const [path, text] of Object.entries(all)) writeFileSync(join(place, path), text);
    };
    const kinds = ['linux-arm64', 'linuxmusl-arm64', 'linux-x64', 'linuxmusl-x64', 'darwin-arm64'];
    const optionalDependencies = Object.fromEntries(kinds.map((kind) => [`@fast/${kind}`, '1.0.0']));
    install(
      'fast',
      { optionalDependencies },
      { 'index.js': "module.exports = require('@fast/' + process.platform);\n" },
    );
    install('@fast/linux-x64', { os: ['linux'], cpu: ['x64'], libc: ['glibc'] }, { 'fast.node': 'binary of here' });
    writeNpmrc(registry.url);
  });
  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  /** npm keeps nothing from one test to the next, and does not try for minutes. */
  function writeNpmrc(url: string): void {
    rmSync(join(folder, 'cache'), { recursive: true, force: true });
    writeFileSync(
      join(folder, '.npmrc'),
      `@fast:registry=${url}\n@new:registry=${url}\ncache=${join(folder, 'cache')}\nfetch-retries=0\n`,
    );
  }
  const prepare = (facts: HostFacts, specifier = 'fast', directory = folder, mode?: PackageMode) =>
    new Environments(state).prepare(
      {
        ...(mode === undefined ? {} : { mode }),
        roots: [{ specifier, kind: 'require' }],
        directory,
        host: 'far',
        isContained: false,
        facts: () => Promise.resolve(facts),
      },
      AbortSignal.timeout(LONG_MS),
    );

  const isX64 = ownFacts().arch === 'x64' && ownFacts().libc.startsWith('glibc');
  const another = isX64 ? undefined : 'this machine is not an x64 Linux with glibc';
  testUnless(another)(
    'the one for the cluster is fetched, with its parts, and installs there without a registry; that of here stays here',
    async () => {
      const { mode, reason, archive } = await prepare(ARM);
      expect([mode, reason]).toEqual(['npm', 'it has binaries: @fast/linux-x64 1.0.0']);
      const root = unpack(archivePath(state, archive?.sha256 ?? ''), join(folder, 'there'));
      const before = registry.asked.length;
      await installPackages(root, folder, AbortSignal.timeout(LONG_MS));
      const installed = join(root, folder, 'node_modules', '@fast');
      expect(readdirSync(installed).sort()).toEqual(['linux-arm64', 'parts-linux-arm64']);
      expect(readFileSync(join(installed, 'linux-arm64', 'fast.node'), 'utf8')).toBe('binary for linux-arm64');
      expect(registry.asked.slice(before)).toEqual([]);
      // Nothing was asked about machines that are neither here nor there: the one for musl is not even in the registry.
      expect(registry.asked.filter((path) => /darwin|musl/.test(path))).toEqual([]);
    },
    LONG_MS,
  );

  testUnless(another)(
    'another C library is another kind of machine',
    async () => {
      const { archive } = await prepare(MUSL);
      const lock = readLock(unpack(archivePath(state, archive?.sha256 ?? ''), join(folder, 'musl')), folder);
      expect(Object.keys(lock).filter((place) => place.includes('@fast'))).toEqual([
        'node_modules/@fast/linuxmusl-x64',
      ]);
    },
    LONG_MS,
  );

  testUnless(another)(
    'without a registry, and without a variant, the cell is refused before there is a job',
    async () => {
      writeNpmrc('http://127.0.0.1:9/');
      await expect(prepare({ ...ARM, libc: 'glibc 2.31' })).rejects.toThrow(
        /The cluster is linux-arm64.*@fast\/linux-arm64@1\.0\.0.*npm cannot fetch it: .*Is a registry reached/s,
      );
      await expect(prepare({ ...ARM, arch: 's390x' })).rejects.toThrow(
        /fast 1\.0\.0 has a binary for each kind of machine, and none for the cluster's \(linux-s390x-glibc\)/,
      );
      writeNpmrc(registry.url);
    },
    LONG_MS,
  );

  (isX64 ? test : test.skip)(
    'a variant that needs a newer C library than the cluster has is refused before there is a job, fetched or not',
    async () => {
      const write = (name: string, manifest: object, binary?: Buffer): void => {
        const place = join(folder, 'node_modules', name);
        mkdirSync(place, { recursive: true });
        writeFileSync(join(place, 'package.json'), JSON.stringify({ name, version: '1.0.0', ...manifest }));
        writeFileSync(join(place, 'index.js'), `module.exports = require('@new/linux-x64/new.node');\n`);
        if (binary !== undefined) writeFileSync(join(place, 'new.node'), binary);
      };
      write('new', { optionalDependencies: { '@new/linux-x64': '1.0.0', '@new/linux-arm64': '1.0.0' } });
      const binary = makeBinary('x64', ['GLIBC_2.2.5', 'GLIBC_2.28']);
      write('@new/linux-x64', { os: ['linux'], cpu: ['x64'], libc: ['glibc'] }, binary);
      await expect(prepare({ ...ownFacts(), libc: 'glibc 2.17' }, 'new')).rejects.toThrow(
        /@new\/linux-x64 1\.0\.0 needs glibc 2\.28 or later, and the cluster has 2\.17/,
      );
      expect((await prepare({ ...ownFacts(), libc: 'glibc 2.28' }, 'new')).mode).toBe('npm');
      await expect(prepare({ ...ARM, libc: 'glibc 2.28' }, 'new')).rejects.toThrow(
        /@new\/linux-arm64 1\.0\.0 needs glibc 2\.34 or later/,
      );
      expect((await prepare({ ...ARM, libc: 'glibc 2.34' }, 'new')).mode).toBe('npm');
      await expect(prepare(ownFacts(), 'new', folder, 'bundle')).rejects.toThrow(
        /Cannot bundle @new\/linux-x64 1\.0\.0, which comes with new: .*new\.node is a binary.*--env-mode npm/,
      );
    },
    LONG_MS,
  );

  test('a binary that was built for a newer C library, and needs little of it, is not built again', async () => {
    const place = join(folder, 'node_modules', 'modest');
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'package.json'), JSON.stringify({ name: 'modest', version: '1.0.0' }));
    writeFileSync(join(place, 'index.js'), `require('./modest.node');\n`);
    const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
    writeFileSync(join(place, 'modest.node'), makeBinary(arch, ['GLIBC_2.14']));
    expect((await prepare({ ...ownFacts(), libc: 'glibc 2.17' }, 'modest')).mode).toBe('npm');
    await expect(prepare({ ...ownFacts(), libc: 'glibc 2.12' }, 'modest')).rejects.toThrow(/it needs glibc 2\.14/);
    // Another build in it, which cannot be the one that runs here.
    writeFileSync(join(place, 'other.node'), makeBinary(arch, ['GLIBC_2.99']));
    expect((await prepare(ownFacts(), 'modest')).mode).toBe('npm');
  });

  test('a package without the binary that it looks for is refused before there is a job, if nobody can do without it', async () => {
    const write = (name: string, manifest: object): string => {
      const place = join(folder, 'node_modules', name);
      mkdirSync(place, { recursive: true });
      writeFileSync(join(place, 'package.json'), JSON.stringify({ name, version: '1.0.0', ...manifest }));
      writeFileSync(join(place, 'index.js'), '');
      return place;
    };
    const place = write('unbuilt', { dependencies: { bindings: '*' }, scripts: { install: 'node-gyp rebuild' } });
    writeFileSync(join(place, 'binding.gyp'), '{}');
    await expect(prepare(ownFacts(), 'unbuilt')).rejects.toThrow(
      /unbuilt 1\.0\.0 is installed here without its binary.*%npm rebuild unbuilt/,
    );
    write('copes', { optionalDependencies: { unbuilt: '*' } });
    writeFileSync(join(folder, 'node_modules', 'copes', 'index.js'), `try { require('unbuilt'); } catch {}\n`);
    expect((await prepare(ownFacts(), 'copes')).mode).toBe('npm');
    mkdirSync(join(place, 'build'));
    writeFileSync(join(place, 'build', 'unbuilt.node'), '');
    expect((await prepare(ownFacts(), 'unbuilt')).mode).toBe('npm');
  });

  test('what nobody can look into is installed, whole, and not bundled', async () => {
    const place = join(folder, 'node_modules', 'riddle');
    mkdirSync(join(place, 'lib'), { recursive: true });
    writeFileSync(join(place, 'package.json'), JSON.stringify({ name: 'riddle', version: '1.0.0' }));
    writeFileSync(join(place, 'index.js'), '@@@ no JavaScript @@@');
    writeFileSync(join(place, 'lib', 'part.js'), '');
    const { mode, reason, archive } = await prepare(ownFacts(), 'riddle');
    expect([mode, reason]).toEqual(['npm', 'what the cell reaches of its packages cannot be told']);
    const there = unpack(archivePath(state, archive?.sha256 ?? ''), join(folder, 'riddles'));
    expect(Object.keys(readLock(there, folder))).toContain('node_modules/riddle');
    await expect(prepare(ownFacts(), 'riddle', folder, 'bundle')).rejects.toThrow(
      /Cannot read a package that the cell uses: .*riddle.*--env-mode npm/,
    );
  });

  test('a binary that does not fit and that nothing builds is refused before there is a job', async () => {
    const place = join(folder, 'node_modules', 'frozen');
    mkdirSync(place);
    writeFileSync(join(place, 'package.json'), JSON.stringify({ name: 'frozen', version: '2.0.0' }));
    writeFileSync(join(place, 'index.js'), `require('./frozen.node');\n`);
    writeFileSync(join(place, 'frozen.node'), '');
    await expect(prepare(MUSL, 'frozen')).rejects.toThrow(
      /frozen 2\.0\.0 has binaries for this machine .* do not fit the cluster's \(.*musl\): the C library is musl there/,
    );
    await expect(prepare({ ...ownFacts(), abi: '1', node: '99.0.0' }, 'frozen')).rejects.toThrow(/another ABI/);
  });

  testUnless(canBuild ? undefined : 'this Node has no headers beside it')(
    'an add-on is built for an older C library by a Node that was brought without its headers',
    async () => {
      writeAddOn(folder, 'answer', '42');
      const { archive } = await prepare({ ...ownFacts(), libc: 'glibc 2.19' }, 'answer');
      const root = unpack(archivePath(state, archive?.sha256 ?? ''), join(folder, 'built'));
      const node = join(folder, 'brought', 'bin', 'node');
      mkdirSync(dirname(node), { recursive: true });
      copyFileSync(process.execPath, node);
      const install = `import(${JSON.stringify(join(ROOT, 'scripts', 'load.mjs'))}).then(async ({ load }) => { const { installPackages } = await load('magics/runner/install.ts'); await installPackages(${JSON.stringify(root)}, ${JSON.stringify(folder)}, AbortSignal.timeout(${LONG_MS})); })`;
      execFileSync(node, ['-e', install], {
        cwd: ROOT,
        stdio: 'pipe',
        env: { ...process.env, npm_config_userconfig: '/dev/null', npm_config_nodedir: undefined },
      });
      const use = `console.log(require('answer').answer())`;
      expect(execFileSync(node, ['-e', use], { cwd: join(root, folder), encoding: 'utf8' })).toBe('42\n');
    },
    LONG_MS,
  );

  testUnless(another ?? (isReached() ? undefined : 'npm reaches no registry'))(
    'sharp, as it is in the public registry: its own runs, and another machine gets another one',
    async () => {
      const project = join(folder, 'public');
      mkdirSync(project);
      writeFileSync(join(project, 'package.json'), '{"name":"project","version":"1.0.0"}');
      execFileSync('npm', ['install', 'sharp@0.35.5', '--no-package-lock', '--silent'], { cwd: project });
      const own = await prepare(ownFacts(), 'sharp', project);
      const root = unpack(archivePath(state, own.archive?.sha256 ?? ''), join(folder, 'sharp'));
      await installPackages(root, project, AbortSignal.timeout(LONG_MS));
      const use = `require('sharp')({ create: { width: 8, height: 8, channels: 3, background: 'red' } }).png().toBuffer().then((b) => console.log(b.subarray(1, 4).toString()))`;
      expect(execFileSync(process.execPath, ['-e', use], { cwd: join(root, project), encoding: 'utf8' })).toBe('PNG\n');
      const other = await prepare(ARM, 'sharp', project);
      const there = join(unpack(archivePath(state, other.archive?.sha256 ?? ''), join(folder, 'arm')), project);
      const tarball =
        readdirSync(join(there, INSTALL_FOLDER)).find((name) => name.startsWith('-img-sharp-linux-arm64')) ?? '';
      const binary = execFileSync('tar', [
        '-xzO',
        '-f',
        join(there, INSTALL_FOLDER, tarball),
        '--wildcards',
        '*/sharp-linux-arm64*.node',
      ]);
      // e_machine of an ELF header (elf(5)): EM_AARCH64 is 183.
      expect(binary.readUInt16LE(18)).toBe(183);
    },
    LONG_MS,
  );
});

function isReached(): boolean {
  try {
    execFileSync('npm', ['view', 'sharp', 'name', '--fetch-retries=0', '--fetch-timeout=8000'], {
      stdio: 'pipe',
      timeout: 20_000,
    });
    return true;
  } catch {
    // Whatever the reason: the test says that it was left out.
    return false;
  }
}

function unpack(archive: string, root: string): string {
  const reader = new TarReader({
    file: (path) => {
      const parts: Buffer[] = [];
      return {
        write: (bytes) => void parts.push(Buffer.from(bytes)),
        close: () => {
          mkdirSync(dirname(join(root, path)), { recursive: true });
          writeFileSync(join(root, path), Buffer.concat(parts));
        },
      };
    },
    link: () => undefined,
  });
  reader.push(gunzipSync(readFileSync(archive)));
  reader.end();
  return root;
}

function readLock(root: string, folder: string): Record<string, unknown> {
  const path = join(root, folder, 'package-lock.json');
  return (JSON.parse(readFileSync(path, 'utf8')) as { packages: Record<string, unknown> }).packages;
}
