// The keys of an SSH agent as a server is asked about them: first those that the config's files name, or those alone. A server gives up on who shows too many.
import { existsSync, readFileSync } from 'node:fs';
import type { BaseAgent, ParsedKey } from 'ssh2';

export type ParseKey = (bytes: Buffer, passphrase?: string) => ParsedKey | Error;

/** The public half of an identity file: of the `.pub` beside it, or of itself. undefined: it does not tell without its passphrase, or is not there. */
export function publicKeyOf(path: string, parseKey: ParseKey): Buffer | undefined {
  for (const file of [`${path}.pub`, path]) {
    if (!existsSync(file)) continue;
    const key = parseKey(readFileSync(file));
    if (!(key instanceof Error)) return key.getPublicSSH();
  }
  return undefined;
}

/** The same agent, which from now on shows the named keys first, and no others where only those are wanted. `shown` is told which it showed. */
export function orderKeys(
  agent: BaseAgent,
  named: readonly Buffer[],
  onlyNamed: boolean,
  shown: (keys: readonly Buffer[]) => void,
): BaseAgent {
  const getAll = agent.getIdentities.bind(agent);
  agent.getIdentities = (tell) => {
    getAll((error, given) => {
      const keys = (given ?? []).flatMap((key) => {
        const blob = blobOf(key);
        return blob === undefined ? [] : [{ key, blob }];
      });
      const rank = (blob: Buffer) => named.findIndex((one) => one.equals(blob));
      const first = keys.filter(({ blob }) => rank(blob) >= 0).sort((a, b) => rank(a.blob) - rank(b.blob));
      const rest = onlyNamed ? [] : keys.filter(({ blob }) => rank(blob) < 0);
      const all = [...first, ...rest];
      shown(all.map(({ blob }) => blob));
      tell(
        error,
        all.map(({ key }) => key),
      );
    });
  };
  return agent;
}

/** Agents of the package give keys that are parsed already. */
function blobOf(key: unknown): Buffer | undefined {
  if (typeof key !== 'object' || key === null || !('getPublicSSH' in key)) return undefined;
  const { getPublicSSH } = key;
  const blob: unknown = typeof getPublicSSH === 'function' ? getPublicSSH.call(key) : undefined;
  return Buffer.isBuffer(blob) ? blob : undefined;
}
