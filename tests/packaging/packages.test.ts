// What is published, installed the way people do: made, installed in a clean prefix, found by Jupyter, upgraded, and taken away without a trace.
// With CELLBURST_PACKAGES=full (npm run test:packages) pip brings a JupyterLab of its own; otherwise the one at hand looks.
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { endProcesses } from '../notebook/processes';
import { pythonOf } from '../notebook/server';

const ROOT = resolve(__dirname, '..', '..');
const PACKAGES = join(ROOT, 'build', 'packages');
const IS_FULL = process.env['CELLBURST_PACKAGES'] === 'full';
const TIMEOUT = 600_000;
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };

let folder: string;
let environment: NodeJS.ProcessEnv;
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'cb-pack-')));
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(CELLBURST|JEST|JPY|JUPYTER|VIRTUAL_ENV|PYTHON)/.test(name),
  );
  environment = {
    ...Object.fromEntries(inherited),
    JUPYTER_CONFIG_DIR: join(folder, 'config'),
    JUPYTER_DATA_DIR: join(folder, 'data'),
    CELLBURST_STATE_DIR: join(folder, 'state'),
    CELLBURST_AGENT_IDLE_SECONDS: '5',
    XDG_RUNTIME_DIR: folder,
  };
  run(process.execPath, join(ROOT, 'scripts', 'pack.mjs'));
  mkdirSync(join(folder, 'unpacked'));
  run('tar', 'xzf', tarball(), '-C', join(folder, 'unpacked'));
}, TIMEOUT);
afterAll(async () => {
  await endProcesses(`CELLBURST_STATE_DIR=${join(folder, 'state')}`);
  rmSync(folder, { recursive: true, force: true });
}, TIMEOUT);

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, {
    cwd: folder,
    env: environment,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const tarball = (): string => join(PACKAGES, `cellburst-${version}.tgz`);
const wheel = (): string => join(PACKAGES, `jupyterlab_cellburst-${version}-py3-none-any.whl`);

/** All files below a folder, relative to it. */
function files(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}

/** What Jupyter says of the extension and the kernels below a prefix. */
function seenByJupyter(prefix: string, bin = join(pythonOf(ROOT), '..')): { extensions: string; kernels: string } {
  const env = { ...environment, JUPYTER_PATH: join(prefix, 'share', 'jupyter') };
  const ask = (...args: string[]): string => {
    const program = join(bin, 'python');
    const script = `import runpy, sys; sys.argv = ${JSON.stringify(args)}; runpy.run_module(sys.argv[0], run_name='__main__')`;
    // Told on standard error.
    return execFileSync('/bin/sh', ['-c', 'exec "$0" -c "$1" 2>&1', program, script], {
      cwd: folder,
      env,
      encoding: 'utf8',
    });
  };
  // Each folder of extensions is a line, what lies in it follows: the one at hand may have an extension of ours itself.
  const [, extensions = ''] = ask('jupyterlab.labextensions', 'list').split(`${prefix}/share/jupyter/labextensions\n`);
  return { extensions: extensions.split(/^\//m, 1)[0] ?? '', kernels: ask('jupyter_client.kernelspecapp', 'list') };
}

test('both packages hold what they need, of one version, and nothing of the machine that made them', () => {
  const listed = run('tar', 'tzf', tarball())
    .trim()
    .split('\n')
    .map((name) => name.slice('package/'.length));
  for (const name of ['cli', 'kernel', 'user', 'language', 'agent', 'runner', 'cell'].map(
    (program) => `dist/${program}.js`,
  ))
    expect(listed).toContain(name);
  expect(listed).toEqual(
    expect.arrayContaining(['dist/labextension/package.json', 'dist/THIRD-PARTY-LICENSES.txt', 'LICENSE', 'README.md']),
  );
  expect(listed.filter((name) => /\.map$|^(tests|scripts|magics|node_modules)\/|\/\.[^/]*$/.test(name))).toEqual([]);
  const marked = files(join(folder, 'unpacked')).filter((name) =>
    readFileSync(join(folder, 'unpacked', name)).includes(ROOT),
  );
  expect(marked).toEqual([]);
  const manifest = JSON.parse(
    readFileSync(join(folder, 'unpacked', 'package', 'dist', 'labextension', 'package.json'), 'utf8'),
  ) as { version: string };
  expect(manifest.version).toBe(version);
  const licences = readFileSync(join(folder, 'unpacked', 'package', 'dist', 'THIRD-PARTY-LICENSES.txt'), 'utf8');
  expect(licences).toMatch(/^zod [\d.]+ \(MIT\)[^]*Permission is hereby granted/m);
});

test(
  'the npm package in a clean prefix: installs, is found by Jupyter, runs a cell on a cluster, is upgraded, and leaves nothing',
  () => {
    const prefix = join(folder, 'npm');
    const jupyter = join(folder, 'jupyter');
    const npm = (...args: string[]): string =>
      run('npm', ...args, '--global', '--prefix', prefix, '--prefer-offline', '--no-audit', '--no-fund');
    npm('install', tarball());
    const cellburst = join(prefix, 'bin', 'cellburst');
    expect(run(cellburst, '--version').trim()).toBe(version);
    expect(run(cellburst, 'install', '--prefix', jupyter)).toMatch(
      /Installed the kernel[^]*Installed JupyterLab's job panel/,
    );
    const seen = seenByJupyter(jupyter);
    expect(seen.extensions).toMatch(new RegExp(`jupyterlab-cellburst v${version}.*enabled.*OK`));
    expect(seen.kernels).toMatch(/^ *cellburst +/m);
    const spec = JSON.parse(
      readFileSync(join(jupyter, 'share', 'jupyter', 'kernels', 'cellburst', 'kernel.json'), 'utf8'),
    ) as { argv: string[] };
    expect(spec.argv[1]).toBe(join(realpathSync(prefix), 'lib', 'node_modules', 'cellburst', 'dist', 'kernel.js'));
    writeFileSync(
      join(folder, 'try.ts'),
      'import { display } from "tslab";\nconst x: number[] = [1, 2]; x.map((n) => n * 21)',
    );
    expect(run(cellburst, 'run', 'try.ts', '--on', 'local').trim()).toBe('[ 21, 42 ]');

    // Another version over it: the next `install` replaces what Jupyter has.
    const newer = join(folder, 'newer');
    cpSync(join(folder, 'unpacked', 'package'), newer, { recursive: true });
    for (const name of ['package.json', 'dist/labextension/package.json'])
      writeFileSync(
        join(newer, name),
        readFileSync(join(newer, name), 'utf8').replace(`"version": "${version}"`, '"version": "999.0.0"'),
      );
    npm('install', run('npm', 'pack', newer, '--silent', '--ignore-scripts').trim());
    expect(run(cellburst, 'install', '--prefix', jupyter)).toMatch(
      /Up to date: the kernel[^]*Updated JupyterLab's job panel/,
    );
    expect(seenByJupyter(jupyter).extensions).toContain('jupyterlab-cellburst v999.0.0');

    run(cellburst, 'uninstall', '--prefix', jupyter);
    npm('uninstall', 'cellburst');
    expect([...files(jupyter), ...files(prefix).filter((name) => !name.startsWith('share/man'))]).toEqual([]);
    expect(seenByJupyter(jupyter).extensions).not.toContain('cellburst');
  },
  TIMEOUT,
);

test(
  'the wheel in a fresh environment: pip installs it, JupyterLab finds it, pip takes it away',
  () => {
    const home = join(folder, 'venv');
    run(pythonOf(ROOT), '-m', 'venv', '--without-pip', home);
    const python = join(home, 'bin', 'python');
    const pip = (...args: string[]): string =>
      run(pythonOf(ROOT), '-m', 'pip', '--python', python, '--disable-pip-version-check', ...args);
    const before = files(home).length;
    if (IS_FULL) pip('install', 'jupyterlab>=4.4,<5');
    pip('install', '--no-index', wheel());
    expect(pip('show', 'jupyterlab-cellburst')).toContain(`Version: ${version}\n`);
    const look = (): string => seenByJupyter(home, IS_FULL ? join(home, 'bin') : undefined).extensions;
    expect(look()).toMatch(new RegExp(`jupyterlab-cellburst v${version}.*enabled.*OK.*python, jupyterlab-cellburst`));
    // Byte by byte what RECORD says: pip looks at it when it verifies.
    pip('install', '--no-index', '--force-reinstall', wheel());
    pip('uninstall', '--yes', 'jupyterlab-cellburst');
    expect(look()).not.toContain('cellburst');
    expect(files(home).filter((name) => name.includes('cellburst'))).toEqual([]);
    if (!IS_FULL) expect(files(home).length).toBe(before);
  },
  TIMEOUT,
);

test('a licence that nobody has read stops the packing, with the name of the package', () => {
  const module = pathToFileURL(join(ROOT, 'scripts', 'pack', 'licences.mjs')).href;
  const script = `
    import { isPermissive, refuseUnknownLicences } from ${JSON.stringify(module)};
    const said = ['MIT', '(MIT OR GPL-3.0)', 'MIT AND GPL-3.0', 'GPL-2.0', 'none'].map(isPermissive);
    try { refuseUnknownLicences([{ name: 'left-pad', license: 'GPL-3.0' }]); } catch (error) { said.push(error.message); }
    console.log(JSON.stringify(said));`;
  const said = JSON.parse(run(process.execPath, '--input-type=module', '-e', script)) as unknown[];
  expect(said).toEqual([true, true, false, false, false, expect.stringContaining('left-pad (GPL-3.0)')]);
});
