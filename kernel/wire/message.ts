// One Jupyter message between its frames and its meaning: identities, delimiter, signature, four JSON parts, buffers.
// Source: "Messaging in Jupyter" 5.5, "The wire protocol". What does not decode is told as a reason and never throws past here.
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';

export const PROTOCOL_VERSION = '5.5';
const DELIMITER = Buffer.from('<IDS|MSG>');

export type Content = Readonly<Record<string, unknown>>;

export interface Header {
  readonly msg_id: string;
  readonly msg_type: string;
  readonly session: string;
  readonly username: string;
  readonly date: string;
  readonly version: string;
  /** JEP 91; unknown ids are accepted: to us they are a label. */
  readonly subshell_id?: string;
}

export interface Message {
  readonly identities: readonly Buffer[];
  readonly header: Header;
  /** The header of the message this one answers; empty when it answers none. */
  readonly parent: Content;
  readonly metadata: Content;
  readonly content: Content;
  readonly buffers: readonly Buffer[];
}

export type Decoded =
  { readonly ok: true; readonly message: Message } | { readonly ok: false; readonly reason: string };

/** Signs and checks the four JSON parts. An empty key means: no signatures on either side. */
export class Signer {
  readonly #key: string;
  readonly #digest: string;

  constructor(key: string, digest: string) {
    this.#key = key;
    this.#digest = digest;
  }

  sign(parts: readonly Uint8Array[]): string {
    if (this.#key === '') return '';
    const hmac = createHmac(this.#digest, this.#key);
    for (const part of parts) hmac.update(part);
    return hmac.digest('hex');
  }

  verify(signature: Buffer, parts: readonly Uint8Array[]): boolean {
    if (this.#key === '') return true;
    const expected = Buffer.from(this.sign(parts), 'latin1');
    return signature.length === expected.length && timingSafeEqual(signature, expected);
  }
}

export function decode(frames: readonly Buffer[], signer: Signer): Decoded {
  const delimiter = frames.findIndex((frame) => frame.equals(DELIMITER));
  if (delimiter < 0) return refused('it has no <IDS|MSG> delimiter');
  const [signature, header, parent, metadata, content, ...buffers] = frames.slice(delimiter + 1);
  if (!signature || !header || !parent || !metadata || !content)
    return refused(`it has ${frames.length - delimiter - 1} parts after the delimiter, at least 5 are needed`);
  if (!signer.verify(signature, [header, parent, metadata, content])) return refused('its signature is wrong');
  const parsedHeader = toHeader(parseObject(header));
  const parsedContent = parseObject(content);
  if (!parsedHeader) return refused('its header has no msg_id and msg_type');
  if (!parsedContent) return refused('its content is no JSON object');
  return {
    ok: true,
    message: {
      identities: frames.slice(0, delimiter),
      header: parsedHeader,
      parent: parseObject(parent) ?? {},
      metadata: parseObject(metadata) ?? {},
      content: parsedContent,
      buffers,
    },
  };
}

export function encode(message: Message, signer: Signer): Buffer[] {
  const parts = [message.header, message.parent, message.metadata, message.content].map((part) =>
    Buffer.from(JSON.stringify(part)),
  );
  return [...message.identities, DELIMITER, Buffer.from(signer.sign(parts)), ...parts, ...message.buffers];
}

export function makeHeader(type: string, session: string): Header {
  return {
    msg_id: randomUUID(),
    msg_type: type,
    session,
    username: 'kernel',
    date: new Date().toISOString(),
    version: PROTOCOL_VERSION,
  };
}

function refused(reason: string): Decoded {
  return { ok: false, reason };
}

function parseObject(part: Buffer): Content | undefined {
  let value: unknown;
  try {
    value = JSON.parse(part.toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  return isContent(value) ? value : undefined;
}

/** The original fields are kept beside the known ones: a client may look for its own in the parent header of our reply. */
function toHeader(fields: Content | undefined): Header | undefined {
  if (!fields) return undefined;
  const { msg_id, msg_type, session, username, date, version, subshell_id, ...rest } = fields;
  if (typeof msg_id !== 'string' || typeof msg_type !== 'string' || msg_type === '') return undefined;
  return {
    ...rest,
    msg_id,
    msg_type,
    session: text(session),
    username: text(username),
    date: text(date),
    version: text(version),
    ...(typeof subshell_id === 'string' ? { subshell_id } : {}),
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function isContent(value: unknown): value is Content {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
