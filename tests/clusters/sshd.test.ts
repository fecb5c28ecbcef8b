// The SSH servers that later tests log in to: each lets in by what it promises and by nothing less.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { oneTimeCode } from '../transports/logins';
import { describeOn, lacks, openSystem } from './open';
import { testUnless } from '../unless';

const sshd = openSystem('sshd', { by: 'anybody' });
const settings = sshd.ok ? sshd.settings : {};
const setting = (name: string) => settings[name] ?? '';

/** Runs the OpenSSH client; `answers` are given to its questions by their beginning, and none is asked without them. */
function ssh(
  host: string,
  options: readonly string[],
  answers?: Readonly<Record<string, string>>,
): { readonly code: number | null; readonly out: string } {
  const askpass = `${setting('SSHD_KEYS')}/askpass`;
  const cases = Object.entries(answers ?? {}).map(([question, answer]) => `*'${question}'*) echo '${answer}' ;;`);
  writeFileSync(askpass, `#!/bin/sh\ncase $1 in ${cases.join(' ')} esac\n`, { mode: 0o700 });
  const batch = answers === undefined ? ['-o', 'BatchMode=yes'] : ['-o', 'NumberOfPasswordPrompts=1'];
  const child = spawnSync('ssh', ['-F', setting('SSHD_CONFIG'), ...batch, ...options, host, 'echo in'], {
    encoding: 'utf8',
    timeout: 30_000,
    env: { PATH: process.env['PATH'], SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' },
  });
  return { code: child.status, out: child.stdout.trim() };
}

const LET_IN = { code: 0, out: 'in' };
const REFUSED = { code: 255, out: '' };

describeOn('real SSH servers', sshd, () => {
  test('an authorized key lets in, directly and through a jump host', () => {
    expect(ssh('cb-login', [])).toEqual(LET_IN);
    expect(ssh('cb-via-jump', [])).toEqual(LET_IN);
  });
  test('a key that is not authorized does not', () => {
    // Without the configuration's own key, which would be tried as well.
    const only = (key: string) => [
      ...['-F', '/dev/null', '-i', `${setting('SSHD_KEYS')}/${key}`, '-l', setting('SSHD_USER')],
      ...['-p', setting('SSHD_JUMP').split(':')[1] ?? '', '-o', `UserKnownHostsFile=${setting('SSHD_KNOWN_HOSTS')}`],
    ];
    expect(ssh('127.0.0.1', only('id_unknown'))).toEqual(REFUSED);
    expect(ssh('127.0.0.1', only('id_rsa'))).toEqual(LET_IN);
  });
  testUnless(lacks(sshd, 'SSHD_PASSWORD'))('the login server takes the password, the jump host none', () => {
    const answers = { assword: setting('SSHD_PASSWORD') };
    expect(ssh('cb-login', ['-o', 'PubkeyAuthentication=no'], answers)).toEqual(LET_IN);
    expect(ssh('cb-jump', ['-o', 'PubkeyAuthentication=no'], answers)).toEqual(REFUSED);
  });
  testUnless(lacks(sshd, 'SSHD_MFA'))('the server with a second factor wants key, password and code', () => {
    const password = { assword: setting('SSHD_PASSWORD') };
    const code = { 'One-time code': oneTimeCode(readFileSync(setting('SSHD_MFA_SECRET_FILE'), 'utf8')) };
    expect(ssh('cb-mfa', [])).toEqual(REFUSED);
    expect(ssh('cb-mfa', [], { ...password, 'One-time code': '000000' })).toEqual(REFUSED);
    expect(ssh('cb-mfa', [], { ...password, ...code })).toEqual(LET_IN);
  });
  testUnless(lacks(sshd, 'SSHD_NODES'))(
    'where there are network namespaces, a node is reached over a link that can be cut, and one behind it',
    () => {
      expect(ssh('cb-inner', [])).toEqual(LET_IN);
      execFileSync('ip', ['link', 'set', setting('SSHD_LINK'), 'down']);
      expect(ssh('cb-node', ['-o', 'ConnectTimeout=2'])).toEqual(REFUSED);
      execFileSync('ip', ['link', 'set', setting('SSHD_LINK'), 'up']);
      expect(ssh('cb-node', [])).toEqual(LET_IN);
    },
  );
});
