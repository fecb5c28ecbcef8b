// A project as npm, pnpm and yarn leave it: its lock file is recognised, and where something else is installed that is told.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { advise } from '../../language/checking/advice';
import {
  compareLock,
  compareLockFile,
  readLock,
  readSpec,
  restoreLine,
  writeLock,
  type SpecPackage,
} from '../../magics/environment';
import type { CellProblem } from '../../magics/protocol/language';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function project(lockFile: string, lock: string, install: (folder: string) => void): string {
  const folder = mkdtempSync(join(tmpdir(), 'locks-test-'));
  folders.push(folder);
  const dependencies = { yaml: '^2.0.0', '@team/tool': '^1.0.0' };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'project', dependencies }));
  writeFileSync(join(folder, lockFile), lock);
  install(folder);
  return folder;
}

function writePackage(place: string, name: string, version: string): void {
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'package.json'), JSON.stringify({ name, version }));
}

const flat = (folder: string): void => {
  writePackage(join(folder, 'node_modules', 'yaml'), 'yaml', '2.8.0');
  writePackage(join(folder, 'node_modules', '@team', 'tool'), '@team/tool', '1.2.3');
};

/** As pnpm has it: a folder of its own for each version, and links. */
const linked = (folder: string): void => {
  for (const [name, version] of [
    ['yaml', '2.8.0'],
    ['@team/tool', '1.2.3'],
  ] as const) {
    const place = join(folder, 'node_modules', '.pnpm', `${name.replace('/', '+')}@${version}`, 'node_modules', name);
    writePackage(place, name, version);
    mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true });
    symlinkSync(place, join(folder, 'node_modules', name));
  }
};

const NPM = (yaml: string): string =>
  JSON.stringify({
    lockfileVersion: 3,
    packages: { '': {}, 'node_modules/yaml': { version: yaml }, 'node_modules/@team/tool': { version: '1.2.3' } },
  });
const PNPM = (yaml: string): string =>
  `lockfileVersion: '9.0'\n\npackages:\n\n  '@team/tool@1.2.3':\n    resolution: {integrity: sha512-x}\n\n  yaml@${yaml}:\n    resolution: {integrity: sha512-y}\n\nsnapshots:\n\n  '@team/tool@1.2.3(yaml@${yaml})': {}\n`;
const OLD_PNPM = (yaml: string): string =>
  `lockfileVersion: 5.4\n\npackages:\n\n  /@team/tool/1.2.3_yaml@${yaml}:\n    dev: false\n\n  /yaml/${yaml}:\n    dev: false\n`;
const YARN = (yaml: string): string =>
  `# yarn lockfile v1\n\n"@team/tool@^1.0.0":\n  version "1.2.3"\n\nyaml@^2.0.0, yaml@~2.8.0:\n  version "${yaml}"\n  resolved "x"\n`;
const BERRY = (yaml: string): string =>
  `__metadata:\n  version: 8\n\n"@team/tool@npm:^1.0.0":\n  version: 1.2.3\n\n"yaml@npm:^2.0.0, yaml@npm:~2.8.0":\n  version: ${yaml}\n`;

test.each([
  ['npm', 'package-lock.json', NPM, flat, '%npm ci', '%npm install --no-save yaml@2.8.0'],
  ['pnpm', 'pnpm-lock.yaml', PNPM, linked, '!pnpm install --frozen-lockfile', '!pnpm add yaml@2.8.0'],
  ['pnpm', 'pnpm-lock.yaml', OLD_PNPM, linked, '!pnpm install --frozen-lockfile', '!pnpm add yaml@2.8.0'],
  ['yarn', 'yarn.lock', YARN, flat, '!yarn install --frozen-lockfile', '!yarn add yaml@2.8.0'],
  ['yarn', 'yarn.lock', BERRY, flat, '!yarn install --immutable', '!yarn add yaml@2.8.0'],
] as const)('%s: %s', (manager, lockFile, lock, install, restore, byName) => {
  const folder = project(lockFile, lock('2.8.0'), install);
  const spec = readSpec(folder);
  expect([spec.project?.manager, spec.project?.lockFile]).toEqual([manager, join(folder, lockFile)]);
  expect(spec.packages.map(({ name, version }) => `${name} ${version}`)).toEqual(['@team/tool 1.2.3', 'yaml 2.8.0']);
  expect(compareLockFile(manager, lock('2.8.0'), spec.packages)).toEqual([]);
  expect(compareLockFile(manager, lock('2.9.1'), spec.packages)).toEqual([
    'yaml 2.8.0 is installed, and 2.9.1 is locked',
  ]);
  // What brings back what was locked beside the notebook: the manager while its lock file is as it was, else the versions by name.
  const path = join(folder, 'cellburst-lock.json');
  writeLock(path, spec);
  const place =
    install === linked
      ? join(folder, 'node_modules', '.pnpm', 'yaml@2.8.0', 'node_modules', 'yaml')
      : join(folder, 'node_modules', 'yaml');
  writePackage(place, 'yaml', '2.9.1');
  const locked = readLock(path);
  if (locked === undefined) throw new Error('There is no lock.');
  expect(restoreLine(locked, readSpec(folder))).toBe(restore);
  writeFileSync(join(folder, lockFile), lock('2.9.1'));
  const now = readSpec(folder);
  expect(restoreLine(locked, now)).toBe(byName);
  expect(now.digest).not.toBe(spec.digest);
});

/** Installed from the recorded lock files: by the top folder, in a workspace, patched, from a catalog, a binary. */
const RECORDED = {
  '@node-rs/crc32': '1.10.8',
  '@node-rs/crc32-linux-x64-gnu': '1.10.8',
  chalk: '4.1.2',
  'is-number': '6.0.0',
  'is-odd': '3.0.1',
  'lodash-es': '4.18.1',
  semver: '7.8.6',
  zod: '3.25.76',
};

test.each([
  ['pnpm', 'pnpm-10.34.lock'],
  ['yarn', 'yarn-1.22.lock'],
  ['yarn', 'yarn-4.18.lock'],
] as const)('what %s writes for a workspace with patches is read: %s', (manager, file) => {
  const source = readFileSync(join(__dirname, '..', 'recorded', 'lock-files', file), 'utf8');
  const installed = (version: (locked: string) => string): SpecPackage[] =>
    Object.entries(RECORDED).map(([name, locked]) => {
      const place = `node_modules/${name}`;
      return { place, name, version: version(locked), from: 'installed', isVariant: false, isFree: false };
    });
  expect(
    compareLockFile(
      manager,
      source,
      installed((locked) => locked),
    ),
  ).toEqual([]);
  expect(
    compareLockFile(
      manager,
      source,
      installed(() => '0.1.0'),
    ),
  ).toEqual(Object.entries(RECORDED).map(([name, locked]) => `${name} 0.1.0 is installed, and ${locked} is locked`));
});

test("Yarn's Plug'n'Play is told of, where Node would find nothing", () => {
  const folder = project('yarn.lock', BERRY('2.8.0'), () => undefined);
  const notebook = join(folder, 'packages', 'notebook');
  const missing: CellProblem = {
    code: 2307,
    message: "Cannot find module 'yaml'",
    line: 0,
    column: 0,
    length: 1,
  };
  const advice = (): string => advise([missing], notebook)[0]?.message ?? '';
  expect(advice()).toContain('!yarn add yaml');
  writeFileSync(join(folder, '.pnp.cjs'), '');
  expect(advice()).toMatch(
    /installed by Yarn's Plug'n'Play, without node_modules.*yarn config set nodeLinker node-modules && yarn install/,
  );
  // A lock file of another program nearer by.
  mkdirSync(notebook, { recursive: true });
  writeFileSync(join(notebook, 'pnpm-lock.yaml'), '');
  expect(advice()).toContain('!pnpm add yaml');
});

test('variables that the config sets for cells are part of what a notebook runs with', () => {
  const folder = project('package-lock.json', NPM('2.8.0'), flat);
  const [bare, spec, same, other] = [{}, { A: '1', B: '2' }, { B: '2', A: '1' }, { A: '1', B: '3' }].map((variables) =>
    readSpec(folder, variables),
  );
  if (bare === undefined || spec === undefined || other === undefined) throw new Error('There is no spec.');
  expect(same?.digest).toBe(spec.digest);
  expect(new Set([bare.digest, spec.digest, other.digest]).size).toBe(3);
  const path = join(folder, 'cellburst-lock.json');
  writeLock(path, spec);
  const locked = readLock(path);
  if (locked === undefined) throw new Error('There is no lock.');
  expect(compareLock(locked, spec)).toEqual([]);
  expect(compareLock(locked, other)).toEqual(['B: 3 here, 2 when it was locked']);
  expect(compareLock(locked, bare)).toEqual([
    'A: not set here, 1 when it was locked',
    'B: not set here, 2 when it was locked',
  ]);
});
