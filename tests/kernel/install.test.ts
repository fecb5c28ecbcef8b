import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installKernel, uninstallKernel } from '../../kernel';

const PROGRAM = '/somewhere/dist/kernel.js';
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'install-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const inPrefix = () => ({ place: { kind: 'prefix', directory: folder }, program: PROGRAM }) as const;

test('the kernelspec starts this very Node with absolute paths, and interrupts by message', () => {
  const report = installKernel(inPrefix());
  const directory = join(folder, 'share', 'jupyter', 'kernels', 'cellburst');
  expect(report).toEqual({
    directory,
    files: [join(directory, 'kernel.json'), join(`${directory}-js`, 'kernel.json')],
    done: 'installed',
  });
  expect(JSON.parse(readFileSync(join(directory, 'kernel.json'), 'utf8'))).toMatchObject({
    argv: [process.execPath, PROGRAM, '{connection_file}'],
    display_name: 'TypeScript (Cellburst)',
    language: 'typescript',
    interrupt_mode: 'message',
  });
  expect(readdirSync(directory)).toEqual(['kernel.json']);
  expect(JSON.parse(readFileSync(join(`${directory}-js`, 'kernel.json'), 'utf8'))).toMatchObject({
    argv: [process.execPath, PROGRAM, '--javascript', '{connection_file}'],
    display_name: 'JavaScript (Cellburst)',
    language: 'javascript',
    interrupt_mode: 'message',
  });
});

test('installing twice changes nothing, installing another build updates', () => {
  installKernel(inPrefix());
  expect(installKernel(inPrefix())).toMatchObject({ done: 'unchanged', files: [] });
  expect(installKernel({ ...inPrefix(), program: '/elsewhere/kernel.js' })).toMatchObject({ done: 'updated' });
});

test('uninstalling removes what was installed, once', () => {
  const { directory } = installKernel(inPrefix());
  expect(uninstallKernel(inPrefix())).toMatchObject({ done: 'removed', directory });
  expect([existsSync(directory), existsSync(`${directory}-js`)]).toEqual([false, false]);
  expect(uninstallKernel(inPrefix())).toMatchObject({ done: 'absent', files: [] });
});

test('a kernelspec of somebody else under our name is not removed', () => {
  const { directory } = installKernel(inPrefix());
  writeFileSync(join(directory, 'kernel.json'), '{"display_name": "Mine"}');
  expect(() => uninstallKernel(inPrefix())).toThrow(/does not start Cellburst/);
  expect(existsSync(directory)).toBe(true);
});

test.each([
  ['JUPYTER_DATA_DIR', (root: string) => join(root, 'kernels', 'cellburst')],
  ['XDG_DATA_HOME', (root: string) => join(root, 'jupyter', 'kernels', 'cellburst')],
])('for one person: %s says where', (variable, expected) => {
  if (process.platform !== 'linux' && variable === 'XDG_DATA_HOME') return;
  const { directory } = installKernel({ program: PROGRAM, environment: { [variable]: folder } });
  expect(directory).toBe(expected(folder));
});

test.each(['VIRTUAL_ENV', 'CONDA_PREFIX'])('for an environment: %s says where', (variable) => {
  const { directory } = installKernel({
    place: { kind: 'sys-prefix' },
    program: PROGRAM,
    environment: { [variable]: folder },
  });
  expect(directory).toBe(join(folder, 'share', 'jupyter', 'kernels', 'cellburst'));
});

test('without any Python, --sys-prefix says what to do', () => {
  const install = () =>
    installKernel({ place: { kind: 'sys-prefix' }, program: PROGRAM, environment: { PATH: folder } });
  expect(install).toThrow(/VIRTUAL_ENV.*--prefix DIR/s);
});

test('a place that cannot be written is named, with its reason', () => {
  writeFileSync(join(folder, 'share'), 'a file in the way');
  expect(() => installKernel(inPrefix())).toThrow(/Cannot write the kernelspec .*kernel\.json/);
});
