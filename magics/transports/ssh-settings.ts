// What the SSH config says of a host, in our words. What `ssh` would do and the ssh2 transport cannot is refused, with the way out, where it matters.
import { existsSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../protocol/errors';
import type { HostWords, Target } from './ssh-config';
import { expandPath, expandTokens, type TokenValues } from './tokens';

/** How a host is reached. */
export type Way =
  | { readonly kind: 'straight' }
  /** Hosts on the way, in order. */
  | { readonly kind: 'jumps'; readonly hosts: readonly string[] }
  /** A command whose standard input and output are the connection. */
  | { readonly kind: 'command'; readonly command: string };

/** Ways of letting in that the config may forbid, in the server's words. */
export type Method = 'publickey' | 'keyboard-interactive' | 'password';

export interface SshSettings {
  /** As the user names it. */
  readonly alias: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly way: Way;
  readonly identityFiles: readonly string[];
  /** Of the agent's keys only those that a file names. */
  readonly onlyListed: boolean;
  /** The socket of an agent; undefined: none is to be asked. */
  readonly agent: string | undefined;
  /** User certificates, which only the openssh transport can show. */
  readonly certificates: readonly string[];
  readonly methods: ReadonlySet<Method>;
  /** Under what name it is known. */
  readonly keyAlias: string | undefined;
  /** The first is where an accepted host is added. */
  readonly knownHosts: readonly string[];
  /** Names are added so that they cannot be read. */
  readonly isHashed: boolean;
  /** Keys that no host may show. */
  readonly revokedKeys: string | undefined;
  /** An unknown host is refused, without a question. */
  readonly isStrict: boolean;
  /** A line that is silent for so long is asked whether it is alive, and given up when it has not answered so often. */
  readonly keepAlive: { readonly seconds: number; readonly times: number };
  /** Until the host answers at all. */
  readonly reachSeconds: number;
}

const IDENTITIES = ['id_rsa', 'id_ecdsa', 'id_ed25519'];
const METHODS: readonly Method[] = ['publickey', 'keyboard-interactive', 'password'];
const REACH_SECONDS = 20;
const KEEP_ALIVE = { seconds: 15, times: 3 };

/** `user@host`, `host:port`, `ssh://…` are what people write. Throws UsageError. */
export function parseTarget(target: string): Target {
  const found = /^(?:ssh:\/\/)?(?:([^@]+)@)?(\[[^\]]+\]|[^:[\]]+|[0-9a-f:]*:[0-9a-f:]*)(?::(\d+))?$/i.exec(target);
  const alias = found?.[2]?.replaceAll(/[[\]]/g, '');
  if (alias === undefined) throw new UsageError(`${JSON.stringify(target)} names no host: user@host is expected.`);
  return { alias, user: found?.[1], port: found?.[3] === undefined ? undefined : Number(found[3]) };
}

/** Throws UsageError for what would be another connection than the one that `ssh` makes. */
export function settingsFor(alias: string, words: HostWords, env: NodeJS.ProcessEnv = process.env): SshSettings {
  const all = (name: string) => (words.get(name) ?? []).flatMap((word) => word.split(/\s+/)).filter(Boolean);
  const text = (name: string) => words.get(name)?.[0];
  const says = (name: string, ...values: readonly string[]) => values.includes(text(name)?.toLowerCase() ?? '');
  refuseUnknown(alias, says, text);
  const host = (text('hostname') ?? alias).replaceAll('%h', alias).replaceAll('%%', '%').toLowerCase();
  const values: TokenValues = {
    alias,
    host,
    port: Number(text('port') ?? 22),
    user: text('user') ?? userInfo().username,
    keyAlias: text('hostkeyalias'),
    jump: text('proxyjump') ?? '',
  };
  const expand = (path: string) => expandPath(path, values, env);
  const paths = (name: string) => (words.get(name) ?? []).filter((path) => path !== 'none').map(expand);
  const listed = paths('identityfile');
  const identityFiles =
    listed.length > 0
      ? listed
      : IDENTITIES.map((name) => join(homedir(), '.ssh', name)).filter((path) => existsSync(path));
  const known = (name: string, otherwise: string) =>
    (all(name).length > 0 ? all(name) : otherwise.split(' ')).filter((path) => path !== 'none').map(expand);
  return {
    alias,
    host,
    port: values.port,
    user: values.user,
    way: wayOf(text('proxycommand'), text('proxyjump'), values),
    identityFiles,
    onlyListed: says('identitiesonly', 'yes'),
    agent: agentOf(text('identityagent'), env, expand),
    certificates: [...paths('certificatefile'), ...identityFiles.map((path) => `${path}-cert.pub`)].filter((path) =>
      existsSync(path),
    ),
    methods: methodsOf(text('preferredauthentications'), says),
    keyAlias: values.keyAlias,
    knownHosts: [
      ...known('userknownhostsfile', '~/.ssh/known_hosts ~/.ssh/known_hosts2'),
      ...known('globalknownhostsfile', '/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2'),
    ],
    isHashed: says('hashknownhosts', 'yes'),
    revokedKeys: paths('revokedhostkeys')[0],
    isStrict: says('stricthostkeychecking', 'yes'),
    keepAlive: keepAliveOf(text('serveraliveinterval'), text('serveralivecountmax')),
    reachSeconds: seconds(text('connecttimeout')) ?? REACH_SECONDS,
  };
}

type Says = (name: string, ...values: readonly string[]) => boolean;

/** What changes where a connection leads, or whom it believes, and is not done here. */
function refuseUnknown(alias: string, says: Says, text: (name: string) => string | undefined): void {
  const found = [
    says('canonicalizehostname', 'yes', 'always') ? 'CanonicalizeHostname' : undefined,
    says('proxyusefdpass', 'yes') ? 'ProxyUseFdpass' : undefined,
    (text('knownhostscommand') ?? 'none') === 'none' ? undefined : 'KnownHostsCommand',
  ].find((name) => name !== undefined);
  if (found === undefined) return;
  throw new UsageError(
    `The SSH config sets ${found} for ${alias}, which the ssh2 transport has not. Set \`transport: openssh\` for this cluster.`,
  );
}

function wayOf(command: string | undefined, jump: string | undefined, values: TokenValues): Way {
  if (command !== undefined && command.toLowerCase() !== 'none')
    return { kind: 'command', command: expandTokens(command, values) };
  if (jump === undefined || jump.toLowerCase() === 'none') return { kind: 'straight' };
  return { kind: 'jumps', hosts: jump.split(',').map((host) => expandTokens(host.trim(), values)) };
}

function agentOf(
  named: string | undefined,
  env: NodeJS.ProcessEnv,
  expand: (path: string) => string,
): string | undefined {
  if (named === 'none') return undefined;
  if (named === undefined || named === 'SSH_AUTH_SOCK') return env['SSH_AUTH_SOCK'] || undefined;
  return /^\$\w+$/.test(named) ? env[named.slice(1)] || undefined : expand(named);
}

function methodsOf(preferred: string | undefined, says: Says): ReadonlySet<Method> {
  const names = preferred?.split(',').map((name) => name.trim());
  const switches: Readonly<Record<Method, readonly string[]>> = {
    publickey: ['pubkeyauthentication'],
    'keyboard-interactive': ['kbdinteractiveauthentication', 'challengeresponseauthentication'],
    password: ['passwordauthentication'],
  };
  return new Set(
    METHODS.filter((method) => (names?.includes(method) ?? true) && !switches[method].some((name) => says(name, 'no'))),
  );
}

/** ssh(1) is silent by default; ours has to notice a lost line. */
function keepAliveOf(interval: string | undefined, times: string | undefined): SshSettings['keepAlive'] {
  const asked = seconds(interval);
  return {
    seconds: asked === undefined || asked === 0 ? KEEP_ALIVE.seconds : asked,
    times: Number(times ?? KEEP_ALIVE.times),
  };
}

/** `90`, `1m30s`: the times of sshd_config(5). */
function seconds(text: string | undefined): number | undefined {
  if (text === undefined || text === 'none') return undefined;
  const units: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
  const parts = [...text.toLowerCase().matchAll(/(\d+)([smhdw]?)/g)];
  return parts.reduce((sum, [, count = '0', unit = '']) => sum + Number(count) * (units[unit] ?? 1), 0);
}
