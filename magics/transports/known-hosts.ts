// known_hosts as sshd(8) describes it: which keys a host may show. Pure text in, verdict out.
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { matchesHost } from './patterns';

export type Verdict =
  /** This very key is listed. */
  | { readonly kind: 'known' }
  /** Nothing is listed for the host. */
  | { readonly kind: 'unknown' }
  /** No key is listed, but an authority whose certificates are to be believed: what is shown is none. */
  | { readonly kind: 'certified'; readonly line: number }
  /** Other keys are listed, and not this one. */
  | { readonly kind: 'changed'; readonly line: number }
  | { readonly kind: 'revoked'; readonly line: number };

interface Entry {
  readonly line: number;
  readonly marker: 'none' | '@revoked' | '@cert-authority';
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
  const revoked = entries.find((entry) => entry.marker === '@revoked' && entry.key === shown);
  if (revoked !== undefined) return { kind: 'revoked', line: revoked.line };
  const listed = entries.filter((entry) => entry.marker === 'none');
  if (listed.some((entry) => entry.key === shown)) return { kind: 'known' };
  const [other] = listed;
  if (other !== undefined) return { kind: 'changed', line: other.line };
  const authority = entries.find((entry) => entry.marker === '@cert-authority');
  return authority === undefined ? { kind: 'unknown' } : { kind: 'certified', line: authority.line };
}

/** Types of the keys that are listed for a host: a server that has several shall show one of them. */
export function listedTypes(text: string, name: string): readonly string[] {
  return [...new Set(entriesFor(text, name).flatMap((entry) => (entry.marker === 'none' ? [entry.type] : [])))];
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
export function knownHostsLine(name: string, key: Buffer, isHashed: boolean): string {
  return `${isHashed ? hashed(name, randomBytes(20)) : name} ${keyType(key)} ${key.toString('base64')}\n`;
}

/** `|1|salt|hash`: a name that can be compared, and not read. */
function hashed(name: string, salt: Buffer): string {
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
}

function entriesFor(text: string, name: string): readonly Entry[] {
  return text.split('\n').flatMap((source, index): Entry[] => {
    const fields = source.trim().split(/\s+/);
    if (fields[0] === '' || fields[0]?.startsWith('#') === true) return [];
    const marker = fields[0]?.startsWith('@') === true ? fields.shift() : 'none';
    const [names = '', type = '', key = ''] = fields;
    if (marker !== 'none' && marker !== '@revoked' && marker !== '@cert-authority') return [];
    return matches(names, name) ? [{ line: index + 1, marker, type, key }] : [];
  });
}

/** One hashed name, or patterns by comma. */
function matches(names: string, name: string): boolean {
  if (!names.startsWith('|1|')) return matchesHost(names.split(','), name);
  const [, , salt = ''] = names.split('|');
  return hashed(name, Buffer.from(salt, 'base64')) === names;
}
