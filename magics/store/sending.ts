// The sending end of a transfer: what the other side lacks, in pieces, and no more than once. It can be begun again at any point: the other side
// knows how far it has come.
import { AgentError } from '../protocol/errors';
import {
  encodeList,
  parseRanges,
  toRanges,
  type ContentId,
  type ContentKind,
  type ContentReference,
} from '../protocol/chunks';
import type { ContentSource } from './source';

/** What is known of a content on the other side. */
export type Known =
  | { readonly state: 'whole' }
  /** Its list has to be told first. */
  | { readonly state: 'unknown' }
  /** Chunks that have to be sent, as toRanges writes them. */
  | { readonly state: 'lacks'; readonly chunks: string };

export interface Offer extends ContentReference {
  readonly content: ContentId;
  readonly kind: ContentKind;
}

/** The agent that is to have it: of another machine, or this one. */
export interface Receiver {
  /** Without a list: is it there whole? */
  offer(offer: Offer, list?: Buffer): Promise<Known>;
  /** The bytes of chunks, one after the other. */
  bring(content: ContentId, chunks: string, bytes: Buffer): Promise<void>;
  /** Puts it together there. */
  gather(content: ContentId, signal: AbortSignal, progress: (bytes: number, of: number) => void): Promise<Known>;
}

export interface SendOptions {
  readonly signal: AbortSignal;
  /** Bytes sent, and bytes of the content that were there already; of how many. */
  readonly progress?: (progress: SendProgress) => void;
}

/** Bytes that went, of those that have to; or bytes that were there already and are put together there, of so many. */
export type SendProgress =
  | { readonly kind: 'sent'; readonly sentBytes: number; readonly toSendBytes: number }
  | { readonly kind: 'copied'; readonly bytes: number; readonly of: number };

export interface Sent extends ContentReference {
  /** What had to be sent of it. */
  readonly sentBytes: number;
}

/** A list of this size is sent without asking first. */
const SHORT_LIST_BYTES = 16 * 1024;
/** So many small chunks go in one piece. */
const PIECE_BYTES = 1024 * 1024;
/** So many pieces are under way at once, so that a long way does not slow the transfer down. */
const PIECES = 8;
/** Chunks that are told to be there and are not are sent in the next round. */
const ROUNDS = 4;

/** Throws LinkClosed when the connection is lost: to be called again then. Throws AgentError when a file was changed meanwhile. */
export async function send(source: ContentSource, to: Receiver, options: SendOptions): Promise<Sent> {
  return await finishSending(source, await offer(source, to), 0, to, options);
}

/** Sends what is `known` to be lacking, and has all put together. */
export async function finishSending(
  source: ContentSource,
  known: Known,
  sentBytes: number,
  to: Receiver,
  { signal, progress }: SendOptions,
): Promise<Sent> {
  const { content, kind, bytes } = source;
  for (let round = 0; known.state !== 'whole'; round++) {
    if (round === ROUNDS || known.state === 'unknown')
      throw new AgentError(
        `Content ${content.slice(0, 12)} does not come together on the other side. Its log may tell why.`,
      );
    const missing = parseRanges(known.chunks, source.list.sizes.length);
    const toSendBytes = sentBytes + missing.reduce((sum, index) => sum + (source.list.sizes[index] ?? 0), 0);
    const tell = (more: number): void => {
      sentBytes += more;
      progress?.({ kind: 'sent', sentBytes, toSendBytes });
    };
    if (missing.length > 0 || round === 0) tell(0);
    await bringAll(source, missing, to, signal, tell);
    known = await to.gather(content, signal, (copied, of) => progress?.({ kind: 'copied', bytes: copied, of }));
  }
  return { content, kind, bytes, sentBytes };
}

async function offer(source: ContentSource, to: Receiver): Promise<Known> {
  const { content, kind, bytes } = source;
  const list = encodeList(source.list);
  if (list.length > SHORT_LIST_BYTES) {
    const known = await to.offer({ content, kind, bytes });
    if (known.state !== 'unknown') return known;
  }
  return await to.offer({ content, kind, bytes }, list);
}

async function bringAll(
  source: ContentSource,
  missing: readonly number[],
  to: Receiver,
  signal: AbortSignal,
  sent: (bytes: number) => void,
): Promise<void> {
  const underWay: Promise<void>[] = [];
  for (const piece of toPieces(missing, source.list.sizes)) {
    signal.throwIfAborted();
    const bytes = await readPiece(source, piece);
    const bringing = to.bring(source.content, toRanges(piece), bytes).then(() => sent(bytes.length));
    // Awaited below, in order; a failure of a later one is then known, too.
    bringing.catch(() => undefined);
    underWay.push(bringing);
    if (underWay.length >= PIECES) await underWay.shift();
  }
  await Promise.all(underWay);
}

/** Chunks that go together. */
export function toPieces(
  indices: readonly number[],
  sizes: { readonly at: (index: number) => number | undefined },
): number[][] {
  const pieces: number[][] = [];
  let bytes = Infinity;
  for (const index of indices) {
    const size = sizes.at(index) ?? 0;
    if (bytes + size > PIECE_BYTES) {
      pieces.push([]);
      bytes = 0;
    }
    pieces.at(-1)?.push(index);
    bytes += size;
  }
  return pieces;
}

/** Runs of chunks that lie one after the other are read together. */
export async function readPiece(source: ContentSource, piece: readonly number[]): Promise<Buffer> {
  const runs: Buffer[] = [];
  for (let at = 0; at < piece.length;) {
    const from = piece[at] ?? 0;
    let to = from + 1;
    for (at += 1; piece[at] === to; at++) to += 1;
    runs.push(await source.read(from, to));
  }
  return runs.length === 1 && runs[0] !== undefined ? runs[0] : Buffer.concat(runs);
}
