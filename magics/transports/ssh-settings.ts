// What ~/.ssh/config says of a host, in our words. Its grammar is the library's; Include is followed here, by text, as ssh_config(5) describes it.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import SSHConfig, { glob } from 'ssh-config';
import { UsageError } from '../protocol/errors';

export interface SshSettings {
  /** As the user names it. */
  readonly alias: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly identityFiles: readonly string[];
  /** The socket of an agent; undefined: none is to be asked. */
  readonly agent: string | undefined;
  /** Hosts on the way, in order. */
  readonly jumps: readonly string[];
  /** Under what name it is known. */
  readonly keyAlias: string | undefined;
  /** The first is where an accepted host is added. */
  readonly knownHosts: readonly string[];
  /** An unknown host is refused, without a question. */
  readonly isStrict: boolean;
}

const IDENTITIES = ['id_ed25519', 'id_ecdsa', 'id_rsa'];
const DEEPEST_INCLUDE = 16;

export function readSshConfig(path: string): SSHConfig {
  const text = existsSync(path) ? include(path, dirname(path), 0) : '';
  return SSHConfig.parse(text);
}

/** `user@host`, `host:port`, `ssh://…` are what people write; the rest the config adds. */
export function settingsFor(target: string, config: SSHConfig, env: NodeJS.ProcessEnv = process.env): SshSettings {
  const found = /^(?:ssh:\/\/)?(?:([^@]+)@)?(\[[^\]]+\]|[^:[\]]+|[0-9a-f:]*:[0-9a-f:]*)(?::(\d+))?$/i.exec(target);
  const alias = found?.[2]?.replaceAll(/[[\]]/g, '');
  if (alias === undefined) throw new UsageError(`${JSON.stringify(target)} names no host: user@host is expected.`);
  const computed = config.compute(alias, { ignoreCase: true });
  const texts = (name: string): readonly string[] => {
    const value: unknown = computed[name];
    return Array.isArray(value) ? value.map(String) : typeof value === 'string' ? [value] : [];
  };
  const text = (name: string) => texts(name)[0];
  const words = (name: string) =>
    texts(name)
      .flatMap((line) => line.split(/\s+/))
      .filter((word) => word !== '');
  if (text('proxycommand') !== undefined && text('proxycommand') !== 'none')
    throw new UsageError(
      `The SSH config reaches ${alias} by a ProxyCommand, which the ssh2 transport has not. Set \`transport: openssh\` for this cluster.`,
    );
  const user = found?.[1] ?? text('user') ?? userInfo().username;
  const host = (text('hostname') ?? alias).replaceAll('%h', alias).replaceAll('%%', '%');
  const port = Number(found?.[3] ?? text('port') ?? 22);
  const expand = (path: string) => expandPath(path, { host, port, user });
  const onlyListed = text('identitiesonly')?.toLowerCase() === 'yes';
  const identityFiles = texts('identityfile')
    .filter((path) => path !== 'none')
    .map(expand);
  return {
    alias,
    host,
    port,
    user,
    identityFiles:
      identityFiles.length > 0
        ? identityFiles
        : IDENTITIES.map((name) => join(homedir(), '.ssh', name)).filter((path) => existsSync(path)),
    agent: onlyListed ? undefined : agentOf(text('identityagent'), env, expand),
    jumps: jumpsOf(text('proxyjump')),
    keyAlias: text('hostkeyalias'),
    knownHosts: [
      ...(words('userknownhostsfile').length > 0
        ? words('userknownhostsfile')
        : ['~/.ssh/known_hosts', '~/.ssh/known_hosts2']),
      ...(words('globalknownhostsfile').length > 0 ? words('globalknownhostsfile') : ['/etc/ssh/ssh_known_hosts']),
    ].map(expand),
    isStrict: text('stricthostkeychecking')?.toLowerCase() === 'yes',
  };
}

function agentOf(
  named: string | undefined,
  env: NodeJS.ProcessEnv,
  expand: (path: string) => string,
): string | undefined {
  if (named === 'none') return undefined;
  if (named === undefined || named === 'SSH_AUTH_SOCK') return env['SSH_AUTH_SOCK'] || undefined;
  return named.startsWith('$') ? env[named.slice(1).replaceAll(/[{}]/g, '')] || undefined : expand(named);
}

function jumpsOf(text: string | undefined): readonly string[] {
  return text === undefined || text === 'none' ? [] : text.split(',').map((jump) => jump.trim());
}

/** Tokens of ssh_config(5) that stand in paths. */
function expandPath(path: string, { host, port, user }: { host: string; port: number; user: string }): string {
  const home = homedir();
  const tokens: Readonly<Record<string, string>> = {
    d: home,
    h: host,
    p: String(port),
    r: user,
    u: userInfo().username,
  };
  const expanded = path.replaceAll(/%(.)/g, (whole, letter: string) =>
    letter === '%' ? '%' : (tokens[letter] ?? whole),
  );
  return expanded === '~' || expanded.startsWith('~/') ? join(home, expanded.slice(1)) : expanded;
}

/** Relative paths are below ~/.ssh, or below the file's folder for a config that lies elsewhere. */
function include(path: string, base: string, depth: number): string {
  if (depth > DEEPEST_INCLUDE) throw new UsageError(`The SSH config includes itself: ${path}.`);
  return readFileSync(path, 'utf8').replaceAll(/^[ \t]*include[ \t=]+(.+)$/gim, (_, names: string) =>
    names
      .trim()
      .split(/\s+/)
      .flatMap((name) => filesOf(name.replaceAll('"', ''), base))
      .map((file) => include(file, base, depth + 1))
      .join('\n'),
  );
}

function filesOf(name: string, base: string): readonly string[] {
  const home = name.startsWith('~/') ? join(homedir(), name.slice(2)) : name;
  const path = isAbsolute(home) ? home : resolve(base, home);
  if (!/[*?]/.test(path)) return existsSync(path) ? [path] : [];
  const folder = dirname(path);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((entry) => join(folder, entry))
    .filter((entry) => glob(path, entry));
}
