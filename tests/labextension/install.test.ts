// JupyterLab's part of Cellburst, put where a Jupyter server looks for it.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { installExtension, uninstallExtension } from '../../kernel';

const BUILT = resolve(__dirname, '..', '..', 'dist', 'labextension');
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'install-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const options = (source = BUILT) => ({ place: { kind: 'prefix', directory: folder }, source }) as const;

test('the built extension is put below share/jupyter/labextensions, with an entry that is there', () => {
  const { directory, done, files } = installExtension(options());
  expect(done).toBe('installed');
  expect(directory).toBe(join(folder, 'share', 'jupyter', 'labextensions', 'jupyterlab-cellburst'));
  const manifest = readFileSync(join(directory, 'package.json'), 'utf8');
  const [, entry = ''] = /"load": "([^"]+)"/.exec(manifest) ?? [];
  expect(entry).toMatch(/^static\/remoteEntry\.\w+\.js$/);
  expect(files).toContain(join(directory, entry));
});

test('installing twice changes nothing, another build replaces the files of the one before', () => {
  installExtension(options());
  expect(installExtension(options())).toMatchObject({ done: 'unchanged', files: [] });
  const other = join(folder, 'other');
  mkdirSync(join(other, 'static'), { recursive: true });
  writeFileSync(join(other, 'package.json'), '{"name": "jupyterlab-cellburst"}');
  writeFileSync(join(other, 'static', 'new.js'), '');
  const { directory, done } = installExtension(options(other));
  expect(done).toBe('updated');
  expect(readdirSync(directory).sort()).toEqual(['package.json', 'static']);
  expect(readdirSync(join(directory, 'static'))).toEqual(['new.js']);
  expect(readdirSync(dirname(directory))).toEqual(['jupyterlab-cellburst']);
});

test('uninstalling removes what was installed, once', () => {
  const { directory } = installExtension(options());
  expect(uninstallExtension(options())).toMatchObject({ done: 'removed', directory });
  expect(existsSync(directory)).toBe(false);
  expect(uninstallExtension(options())).toMatchObject({ done: 'absent', files: [] });
});

test('a place that cannot be written is named, with its reason', () => {
  writeFileSync(join(folder, 'share'), 'a file in the way');
  expect(() => installExtension(options())).toThrow(/Cannot write JupyterLab's extension to .*jupyterlab-cellburst/);
});
