// known_hosts as sshd(8) describes it: which keys a host may show. Pure text in, verdict out.
import { createHash, createHmac } from 'node:crypto';

export type Verdict =
  /** This very key is listed. */
  | { readonly kind: 'known' }
  /** Nothing is listed for the host. */
  | { readonly kind: 'unknown' }
  /** Other keys are listed, and not this one. */
  | { readonly kind: 'changed'; readonly line: number }
  | { readonly kind: 'revoked'; readonly line: number };

interface Entry {
  readonly line: number;
  readonly isRevoked: boolean;
  readonly type: string;
  readonly key: string;
}

/** The name under which a host is listed: `[host]:port` unless the port is 22. */
export function listedName(host: string, port: number): string {
  const name = host.toLowerCase();
  return port === 22 ? name : `[${name}]:${port}`;
}

/** `key` is the key's blob, as the server sends it. */
export function judgeKey(text: string, name: string, key: Buffer): Verdict {
  const entries = entriesFor(text, name);
  const shown = key.toString('base64');
  const revoked = entries.find((entry) => entry.isRevoked && entry.key === shown);
  if (revoked !== undefined) return { kind: 'revoked', line: revoked.line };
  const listed = entries.filter((entry) => !entry.isRevoked);
  if (listed.some((entry) => entry.key === shown)) return { kind: 'known' };
  const [other] = listed;
  return other === undefined ? { kind: 'unknown' } : { kind: 'changed', line: other.line };
}

/** Types of the keys that are listed for a host: a server that has several shall show one of them. */
export function listedTypes(text: string, name: string): readonly string[] {
  return [...new Set(entriesFor(text, name).flatMap((entry) => (entry.isRevoked ? [] : [entry.type])))];
}

/** `SHA256:…`, as ssh-keygen(1) prints it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The first string of a key's blob (RFC 4253, 6.6). */
export function keyType(key: Buffer): string {
  return key.toString('latin1', 4, 4 + key.readUInt32BE(0));
}

/** A line to be added for a host that a person has accepted. */
export function knownHostsLine(name: string, key: Buffer): string {
  return `${name} ${keyType(key)} ${key.toString('base64')}\n`;
}

function entriesFor(text: string, name: string): readonly Entry[] {
  return text.split('\n').flatMap((source, index): Entry[] => {
    const fields = source.trim().split(/\s+/);
    if (fields[0] === '' || fields[0]?.startsWith('#') === true) return [];
    const marker = fields[0]?.startsWith('@') === true ? fields.shift() : undefined;
    const [names = '', type = '', key = ''] = fields;
    // A certificate authority vouches for certificates, which the ssh2 transport does not take.
    if (marker !== undefined && marker !== '@revoked') return [];
    return matches(names, name) ? [{ line: index + 1, isRevoked: marker === '@revoked', type, key }] : [];
  });
}

/** One hashed name, or patterns by comma, of which one that begins with ! takes the host out. */
function matches(names: string, name: string): boolean {
  if (names.startsWith('|1|')) {
    const [, , salt = '', hash = ''] = names.split('|');
    return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
  }
  const patterns = names.split(',');
  const hits = (pattern: string) => toExpression(pattern).test(name);
  if (patterns.some((pattern) => pattern.startsWith('!') && hits(pattern.slice(1)))) return false;
  return patterns.some((pattern) => !pattern.startsWith('!') && hits(pattern));
}

function toExpression(pattern: string): RegExp {
  const escaped = pattern.toLowerCase().replaceAll(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
}
