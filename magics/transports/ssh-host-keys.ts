// Is the host the one it says it is? Strictly by known_hosts: an unknown key only by a person's word, a changed or revoked one by nobody's.
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import type { ServerHostKeyAlgorithm } from 'ssh2';
import { dirname } from 'node:path';
import { TransportError, messageOf } from '../protocol/errors';
import { AdmissionError } from './admission-error';
import type { Ask } from './ask';
import { fingerprint, judgeKey, keyType, knownHostsLine, listedName, listedTypes } from './known-hosts';
import type { SshSettings } from './ssh-settings';

const ALGORITHMS: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

export class HostKeys {
  /** Why the host was not believed. */
  refusal: TransportError | undefined;
  readonly #settings: SshSettings;
  readonly #ask: Ask;
  readonly #signal: AbortSignal;
  readonly #name: string;
  readonly #listed: string;

  constructor(settings: SshSettings, ask: Ask, signal: AbortSignal) {
    this.#settings = settings;
    this.#ask = ask;
    this.#signal = signal;
    const { keyAlias, host, port, knownHosts } = settings;
    this.#name = keyAlias === undefined ? listedName(host, port) : keyAlias.toLowerCase();
    this.#listed = knownHosts
      .filter((path) => existsSync(path))
      .map((path) => readFileSync(path, 'utf8'))
      .join('\n');
  }

  /** Those first whose keys are known: a server with several keys shall show one of them. */
  get algorithms(): ServerHostKeyAlgorithm[] {
    const types = listedTypes(this.#listed, this.#name);
    const isListed = (name: string) => types.includes(name.startsWith('rsa-') ? 'ssh-rsa' : name);
    return [...ALGORITHMS.filter(isListed), ...ALGORITHMS.filter((name) => !isListed(name))];
  }

  /** Never rejects; a refusal has its reason in `refusal`. */
  async verify(key: Buffer): Promise<boolean> {
    try {
      await this.#judge(key);
      return true;
    } catch (error) {
      this.refusal = error instanceof TransportError ? error : new TransportError(messageOf(error), { cause: error });
      return false;
    }
  }

  async #judge(key: Buffer): Promise<void> {
    const { alias, user, knownHosts, isStrict, isHashed, revokedKeys } = this.#settings;
    const verdict = judgeKey(this.#listed, this.#name, key);
    const print = `${keyType(key)} ${fingerprint(key)}`;
    const revokedIn =
      verdict.kind === 'revoked'
        ? 'known_hosts'
        : revokedKeys !== undefined && isListed(key, revokedKeys)
          ? revokedKeys
          : undefined;
    if (revokedIn !== undefined)
      throw new AdmissionError(
        'host key',
        `The key that ${alias} shows (${print}) is marked as revoked in ${revokedIn}. Nothing was sent.`,
      );
    if (verdict.kind === 'known') return;
    if (verdict.kind === 'certified')
      throw new AdmissionError(
        'host key',
        `known_hosts believes a certificate of ${alias} (@cert-authority, line ${verdict.line}), and the ssh2 transport can only be shown a plain key (${print}). Nothing was sent. Set \`transport: openssh\` for this cluster.`,
      );
    if (verdict.kind === 'changed')
      throw new AdmissionError(
        'host key',
        `The key of ${alias} has changed: it shows ${print}, and another one is known. Somebody may be listening in. Nothing was sent. Ask its administrators; if the change is meant: ssh-keygen -R '${this.#name}'`,
      );
    const unknown = `The host ${alias} (${this.#name}) is unknown. It shows the key ${print}.`;
    if (isStrict)
      throw new AdmissionError(
        'host key',
        `${unknown} StrictHostKeyChecking forbids unknown hosts: add it to known_hosts.`,
      );
    const question = { host: `${user}@${alias}`, text: `${unknown} Trust it? (yes/no)`, isSecret: false };
    const answer = await this.#ask(question, this.#signal);
    if (answer?.trim().toLowerCase() !== 'yes')
      throw new AdmissionError(
        'host key',
        `${unknown} ${answer === undefined ? 'Nobody was there to say' : 'You did not say'} that it is to be trusted.`,
      );
    const [path] = knownHosts;
    if (path === undefined) return;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    appendFileSync(path, knownHostsLine(this.#name, key, isHashed), { mode: 0o600 });
  }
}

/** Of RevokedHostKeys: a file of public keys, or one that only OpenSSH reads. Throws TransportError when it cannot tell, as `ssh` refuses all then. */
function isListed(key: Buffer, path: string): boolean {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch (cause) {
    throw new TransportError(
      `Cannot read the revoked host keys in ${path}, so no host is believed: ${messageOf(cause)}`,
      {
        cause,
      },
    );
  }
  if (text.startsWith('SSHKRL'))
    throw new TransportError(
      `The revoked host keys in ${path} are in OpenSSH's binary form, which the ssh2 transport does not read. Set \`transport: openssh\` for this cluster.`,
    );
  return text.includes(key.toString('base64'));
}
