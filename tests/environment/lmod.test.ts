// The shell lines of `modules:` on a real Lmod: `module` is a shell function there, it speaks on standard error, and one script is read by two shells.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NO_MODULES, moduleLines } from '../../magics/config/modules';
import { describeUnless } from '../unless';

const folder = mkdtempSync(join(tmpdir(), 'lmod-test-'));
chmodSync(folder, 0o755);
const modules = join(folder, 'modules');
mkdirSync(join(modules, 'tool'), { recursive: true });
writeFileSync(
  join(modules, 'tool', '1.0.lua'),
  'setenv("TOOL_HOME", "/opt/tool")\nprepend_path("PATH", "/opt/tool/bin")\n',
);
writeFileSync(join(modules, 'warns.lua'), 'LmodMessage("a word of the site")\nsetenv("WARNED", "yes")\n');
writeFileSync(join(modules, 'broken.lua'), 'LmodError("this module asks for a licence")\n');
// Environment Modules load this one as well; Lmod reads it by Tcl.
writeFileSync(join(modules, 'old-style'), '#%Module\nsetenv OLD_STYLE yes\n');

interface Said {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function load(names: readonly string[], shell = 'sh', before: readonly string[] = []): Said {
  const script = join(folder, 'script.sh');
  const after = 'echo "$TOOL_HOME|$WARNED|$OLD_STYLE|${PATH%%:*}|$LMOD_PKG"';
  writeFileSync(script, [...before, ...moduleLines(names), after, ''].join('\n'));
  const argv = [join(__dirname, 'lmod.sh'), folder, modules, shell, script];
  return spawnSync('bash', argv, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
    env: { PATH: process.env['PATH'] },
  });
}

const first = load(['tool/1.0']);
const missing = first.status === 77 ? (/^ERROR: (.*)$/m.exec(first.stderr)?.[1] ?? 'Lmod cannot be had') : undefined;

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describeUnless(missing, 'site modules by Lmod', () => {
  test.each(['sh', 'bash'])(
    'are loaded in a script of %s that nobody has logged in for, whatever its profile does',
    (shell) => {
      const { status, stdout, stderr } = load(['tool/1.0', 'old-style'], shell);
      expect([status, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(/^\/opt\/tool\|\|yes\|\/opt\/tool\/bin\|\/usr\/share\/lmod\/lmod\n$/);
    },
  );

  test.each([
    ['is not there', 'nosuch/1.0', /unknown:\s+"nosuch\/1\.0"/],
    ['refuses to be loaded', 'broken', /this module asks for a licence/],
  ])('one that %s ends the script, in the words of Lmod and ours', (_what, name, words) => {
    const { status, stdout, stderr } = load(['tool/1.0', name, 'old-style']);
    expect([status, stdout]).toEqual([NO_MODULES, '']);
    expect(stderr).toMatch(words);
    expect(stderr).toContain(`Cellburst: the module ${name} could not be loaded on `);
  });

  test('one that says something is no error', () => {
    const { status, stdout, stderr } = load(['warns']);
    expect([status, stdout.split('|')[1]]).toEqual([0, 'yes']);
    expect(stderr).toContain('a word of the site');
  });

  test('a `module` that is there already is taken', () => {
    const { status, stdout } = load(['tool/1.0'], 'bash', ['module() { echo "asked to $*"; }']);
    expect([status, stdout.split('\n')[0]]).toEqual([0, 'asked to load tool/1.0']);
  });
});

test('a profile that the shell cannot read does not end the script', () => {
  // As one that is written for another shell; dash ends at it.
  const profile = join(folder, 'profile');
  writeFileSync(profile, '. /nowhere/init.sh\n');
  const script = moduleLines(['x']).join('\n').replaceAll('/etc/profile', profile);
  const said = execFileSync('sh', ['-c', `${script.split('\n').slice(0, 3).join('\n')}\necho still here`], {
    encoding: 'utf8',
  });
  expect(said).toBe('still here\n');
});
