// What ssh_config(5) puts in the place of `%h` and its like, and of `${NAME}`.
import { createHash } from 'node:crypto';
import { homedir, hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../protocol/errors';

/** Of a connection that is about to be made. */
export interface TokenValues {
  /** As the user names it, and where that leads. */
  readonly alias: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly keyAlias: string | undefined;
  /** As ProxyJump says. */
  readonly jump: string;
}

/** Throws UsageError for a token that there is not, as `ssh` does: guessing would run, or read, something else. */
export function expandTokens(text: string, given: TokenValues): string {
  const { alias, host, port, user, keyAlias, jump } = given;
  const local = hostname();
  const own = userInfo();
  const tokens: Readonly<Record<string, string>> = {
    '%': '%',
    // `%l%h%p%r%j`, all of which a connection is known by.
    C: createHash('sha1').update(`${local}${host}${port}${user}${jump}`).digest('hex'),
    d: homedir(),
    h: host,
    i: String(own.uid),
    j: jump,
    k: keyAlias ?? alias,
    L: local.split('.')[0] ?? local,
    l: local,
    n: alias,
    p: String(port),
    r: user,
    u: own.username,
  };
  return text.replaceAll(/%(.?)/g, (whole, letter: string) => {
    const value = tokens[letter];
    if (value === undefined) throw new UsageError(`The SSH config has ${JSON.stringify(whole)}, which is no token.`);
    return value;
  });
}

/** A path of the config: tokens, `${NAME}` of the environment, and `~`. Throws UsageError for a variable that is not set. */
export function expandPath(path: string, given: TokenValues, env: NodeJS.ProcessEnv): string {
  const named = path.replaceAll(/\$\{([^}]*)\}/g, (_, name: string) => {
    const value = env[name];
    if (value === undefined)
      throw new UsageError(`The SSH config names the environment variable ${name}, which is not set here.`);
    return value;
  });
  return expandHome(expandTokens(named, given));
}

export function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
}
