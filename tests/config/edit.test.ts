// The config file as the panel changes it for a person: what they wrote themselves stays as they wrote it.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfigText, removeCluster, saveCluster, setDefaultCluster } from '../../magics/config/edit';

let home: string;
let path: string;
let env: Record<string, string>;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cellburst-edit-'));
  path = join(home, 'config.yaml');
  env = { CELLBURST_CONFIG: path };
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const WRITTEN = `# My clusters.
default: hpc # the big one

clusters:
  hpc:
    scheduler: slurm # in the cellar
    host: ada@login.example.org
    defaults:
      memory: 4 GB # enough for most
      time: 1h30m
  # Not used at present.
  old: { scheduler: pbs }
`;

test('a change of one value leaves comments, order and spelling of everything else', () => {
  writeFileSync(path, WRITTEN);
  const { clusters } = readConfigText(env);
  const entry = { ...clusters['hpc'], defaults: { memory: '4 GB', time: '2h' }, account: 'physics' };
  expect(saveCluster('hpc', entry, 'hpc', env)).toEqual([]);
  expect(readFileSync(path, 'utf8')).toBe(
    WRITTEN.replace('time: 1h30m', 'time: 2h').replace('  # Not used', '    account: physics\n  # Not used'),
  );
});

test('a cluster is added to no file at all, to one of comments alone, and to one that has others', () => {
  const lab = { scheduler: 'none', host: 'ada@lab' };
  expect(saveCluster('lab', lab, undefined, env)).toEqual([]);
  expect(readConfigText(env)).toMatchObject({ path, clusters: { lab } });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  writeFileSync(path, '# Mine.\n');
  expect(saveCluster('lab', lab, undefined, env)).toEqual([]);
  expect(readFileSync(path, 'utf8')).toMatch(/^# Mine\.\n/);
  writeFileSync(path, '# Mine.\nclusters:\n  # hpc: { scheduler: slurm }\n');
  expect(readConfigText(env)).toMatchObject({ clusters: {} });
  expect(saveCluster('lab', lab, undefined, env)).toEqual([]);
  expect(readConfigText(env)).toMatchObject({ clusters: { lab } });
  expect(readFileSync(path, 'utf8')).toMatch(/^# Mine\.\nclusters:\n {2}# hpc: .*\n {2}lab:/);
  writeFileSync(path, WRITTEN);
  expect(saveCluster('lab', lab, undefined, env)).toEqual([]);
  expect(Object.keys(readConfigText(env).clusters)).toEqual(['hpc', 'old', 'lab']);
  expect(readFileSync(path, 'utf8')).toContain('# in the cellar');
});

test('each mistake is told with its field, and nothing is written', () => {
  writeFileSync(path, WRITTEN);
  const entry = { scheduler: 'slrm', defaults: { memory: 'much', cores: 0 }, teleport: true };
  const mistakes = saveCluster('1st', entry, undefined, env);
  expect(mistakes.map(({ path: field }) => field.join('.')).sort()).toEqual([
    '',
    'defaults.cores',
    'defaults.memory',
    'name',
    'scheduler',
  ]);
  expect(mistakes.find(({ path: [first] }) => first === 'name')?.message).toBe(
    'a cluster is named by a word that begins with a letter',
  );
  // Rules of the entry as a whole stand at a field too.
  expect(saveCluster('lab', { scheduler: 'none' }, undefined, env)).toEqual([
    { path: ['scheduler'], message: 'without a scheduler a host is needed (this machine is the cluster `local`)' },
  ]);
  expect(saveCluster('old', { scheduler: 'slurm' }, 'hpc', env)).toEqual([
    { path: ['name'], message: 'there is a cluster old already' },
  ]);
  expect(readFileSync(path, 'utf8')).toBe(WRITTEN);
});

test('a cluster gets another name, and stays the default', () => {
  writeFileSync(path, WRITTEN);
  const entry = readConfigText(env).clusters['hpc'] ?? {};
  expect(saveCluster('cellar', entry, 'hpc', env)).toEqual([]);
  expect(readFileSync(path, 'utf8')).toBe(
    WRITTEN.replace('default: hpc', 'default: cellar').replace('  hpc:', '  cellar:'),
  );
});

test('a cluster is removed, and is no default any more', () => {
  writeFileSync(path, WRITTEN);
  removeCluster('hpc', env);
  expect(readConfigText(env)).toEqual(expect.not.objectContaining({ defaultCluster: 'hpc' }));
  expect(Object.keys(readConfigText(env).clusters)).toEqual(['old']);
  expect(() => {
    removeCluster('slurm', env);
  }).toThrow(/There is no cluster "slurm" in .*found by itself has no entry/);
});

test('the default is one of the clusters there are', () => {
  writeFileSync(path, WRITTEN);
  setDefaultCluster('old', env);
  expect(readConfigText(env).defaultCluster).toBe('old');
  setDefaultCluster('local', env);
  expect(readConfigText(env).defaultCluster).toBeUndefined();
  expect(() => {
    setDefaultCluster('nowhere', env);
  }).toThrow('There is no cluster "nowhere".');
});

test('a file with a mistake is shown with its place, and never written over', () => {
  writeFileSync(path, 'clusters:\n  hpc: { schedular: slurm }\n');
  expect(readConfigText(env).problem).toMatch(/config\.yaml:2:10: .*schedular.*scheduler/s);
  expect(() => saveCluster('lab', { scheduler: 'none', host: 'lab' }, undefined, env)).toThrow(/schedular/);
  expect(readFileSync(path, 'utf8')).toContain('schedular');
});

test('a file that lies elsewhere is changed there, with the mode it has', () => {
  mkdirSync(join(home, 'dotfiles'));
  const real = join(home, 'dotfiles', 'cellburst.yaml');
  writeFileSync(real, WRITTEN);
  chmodSync(real, 0o640);
  symlinkSync(real, path);
  setDefaultCluster('old', env);
  expect(readFileSync(real, 'utf8')).toContain('default: old');
  expect(statSync(real).mode & 0o777).toBe(0o640);
});

test('the schema tells a form what each key may be, and says what it means', () => {
  const { schema } = readConfigText(env);
  expect(schema).toMatchObject({
    type: 'object',
    properties: {
      scheduler: { enum: ['slurm', 'gridengine', 'pbs', 'none'], description: expect.any(String) as string },
      defaults: { type: 'object', properties: { cores: { type: 'integer' } } },
    },
  });
});
