// Logging in to the servers of tests/clusters/sshd-up.sh, by either kind of SSH, with a person who answers or with nobody.
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ask, Question } from '../../magics/transports';
import type { CommandEnd, Host } from '../../magics/transports/host';
import { OpenSshHost } from '../../magics/transports/openssh';
import { SshHost } from '../../magics/transports/ssh';

export const KINDS = ['ssh2', 'openssh'] as const;
export type Kind = (typeof KINDS)[number];

export function openHost(kind: Kind, host: string, configPath: string, ask: Ask): Host {
  const options = { host, configPath, ask };
  return kind === 'ssh2' ? new SshHost(options) : new OpenSshHost(options);
}

export const nobody: Ask = () => Promise.resolve(undefined);

/** Answers by a part of the question, and notes what was asked. */
export function person(answers: Readonly<Record<string, string>>): { readonly ask: Ask; readonly asked: Question[] } {
  const asked: Question[] = [];
  const ask: Ask = (question) => {
    asked.push(question);
    const found = Object.entries(answers).find(([part]) => question.text.includes(part));
    return Promise.resolve(found?.[1]);
  };
  return { ask, asked };
}

export interface Said {
  readonly out: string;
  readonly end: CommandEnd;
}

export const IN: Said = { out: 'in\n', end: { kind: 'exit', code: 0 } };

export async function sayOn(host: Host, command: string): Promise<Said> {
  const { stream, ended } = await host.exec(command, AbortSignal.timeout(60_000));
  let out = '';
  // An iterator would close the channel at the end of its output, before it is told how the command ended.
  stream.on('data', (piece: Buffer) => (out += piece.toString()));
  return { end: await ended, out };
}

export async function say(kind: Kind, host: string, command: string, config: string, ask = nobody): Promise<Said> {
  await using reached = openHost(kind, host, config, ask);
  return await sayOn(reached, command);
}

/** A config with lines before those of the servers: the first value counts. `drop` takes out of theirs what would add to it. */
export function configBefore(folder: string, lines: readonly string[], theirs: string, drop?: RegExp): string {
  const path = join(mkdtempSync(join(folder, 'config-')), 'config');
  const text = readFileSync(theirs, 'utf8');
  writeFileSync(path, `${lines.join('\n')}\n${drop === undefined ? text : text.replaceAll(drop, '')}`);
  return path;
}

/** The key that lets in everywhere. */
export const OWN_KEY = /^ {2}IdentityFile .*id_ed25519$/gm;

/** A time-based one-time code of six digits (RFC 6238). */
export function oneTimeCode(secret: string): string {
  const bits = [...secret.trim()]
    .map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
    .join('');
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const digest = createHmac('sha1', key).update(counter).digest();
  const offset = (digest[19] ?? 0) & 15;
  return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/** `type key` of a public key's file. */
export function publicKey(path: string): string {
  return readFileSync(path, 'utf8').split(' ').slice(0, 2).join(' ').trim();
}
