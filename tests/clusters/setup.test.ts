// A machine that cannot have a real system says so, with the reason, and in time: then its tests are skipped by name. Anything else would fail them, or hang.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testUnless } from '../unless';

const scratch = mkdtempSync(join(tmpdir(), 'cellburst-setup-'));
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

const isRoot = process.platform === 'linux' && process.getuid?.() === 0;
const asRoot = isRoot ? undefined : 'only root installs packages';
const MISSING = 'cellburst-no-such-package';

/** What a script says when it needs a package that is not here. `through`: a command that runs it. */
function needPackage(environment: NodeJS.ProcessEnv = {}, through: readonly string[] = []) {
  const state = mkdtempSync(join(scratch, 'state-'));
  const source = `set -euo pipefail; NAME=test STATE=${state}; . ${join(__dirname, 'common.sh')}; install ${MISSING}; echo started`;
  const options = { encoding: 'utf8', timeout: 60_000, env: { ...process.env, ...environment } } as const;
  const { status, stdout, stderr } = spawnSync('env', [...through, 'bash', '-c', source], options);
  return { status, stdout, reason: /^ERROR: (.*)$/m.exec(stderr)?.[1] };
}

/** All programs of this machine but one. */
function pathWithout(name: string): string {
  const folder = join(scratch, `without-${name}`);
  mkdirSync(folder);
  for (const program of readdirSync('/usr/bin'))
    if (program !== name) symlinkSync(join('/usr/bin', program), join(folder, program));
  return folder;
}

testUnless(asRoot)('without apt-get the missing packages are named', () => {
  expect(needPackage({ PATH: pathWithout('apt-get') })).toEqual({
    status: 77,
    stdout: '',
    reason: `these packages are missing and there is no apt-get to install them: ${MISSING}`,
  });
});

/** No network, and no list of packages that somebody else may be reading just now. */
const APART = [
  ...['unshare', '--net', '--mount', '--propagation', 'private'],
  ...['sh', '-c', 'mount -t tmpfs tmpfs /var/lib/apt/lists && exec "$@"', 'sh'],
];
const noNamespaces = isRoot && spawnSync('unshare', APART.slice(1).concat('true')).status !== 0;

testUnless(asRoot ?? (noNamespaces ? 'this root can make no namespaces' : undefined))(
  'without a network the packages that could not be installed are named',
  () => {
    const reason = `apt-get could not install: ${MISSING}`;
    expect(needPackage({}, APART)).toEqual({ status: 77, stdout: '', reason });
  },
  70_000,
);

testUnless(process.platform === 'linux' ? undefined : 'needs Linux')(
  'who is not root is not asked for a password, but told what only root can install',
  () => {
    const through = isRoot ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
    expect(needPackage({}, through)).toEqual({
      status: 77,
      stdout: '',
      reason: `these packages are missing, and only root can install them: ${MISSING}`,
    });
  },
);
