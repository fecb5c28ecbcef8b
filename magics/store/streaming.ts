// The sending end of a transfer whose content is read for the first time: what is read goes at once, unless the other side has it, and what it all is, is
// said at the end.
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { encodeList, parseRanges, toRanges, type ContentId, type ContentKind } from '../protocol/chunks';
import type { Batch, Found, Reading } from './batches';
import { finishSending, toPieces, type Known, type Receiver, type SendOptions, type Sent } from './sending';
import { sizeOf } from './source';

/** Where a file is to be on the other side. */
export interface SendTarget {
  readonly path: string;
  readonly replace?: boolean;
  readonly mode?: number;
}

export interface Announcement {
  readonly kind: ContentKind;
  readonly bytes: number;
  /** What it takes on a disk: less, where it has holes. */
  readonly diskBytes: number;
  readonly target?: SendTarget;
}

export interface StreamReceiver extends Receiver {
  /** `transfer`: what this side calls it, the same when it is begun again. */
  announce(transfer: ContentId, what: Announcement): Promise<void>;
  /** Chunks from a number on, as a list: which of them have to be brought, under the name of the transfer. */
  tell(transfer: ContentId, from: number, list: Buffer): Promise<string>;
  /** All was told, and is this content. */
  complete(transfer: ContentId, content: ContentId): Promise<Known>;
}

/** Batches under way at once, so that a long way does not slow the transfer down. */
const BATCHES = 3;

/** As `send`. Goes on where an earlier call with the same `reading` was cut. */
export async function sendWhileReading(
  reading: Reading,
  what: Announcement,
  transfer: ContentId,
  to: StreamReceiver,
  { signal, progress }: SendOptions,
): Promise<Sent> {
  await to.announce(transfer, what);
  let sentBytes = 0;
  let toSendBytes = what.bytes;
  const tell = (): void => progress?.({ kind: 'sent', sentBytes, toSendBytes });
  const bring = async (batch: Batch): Promise<void> => {
    const list = batch.list(what.kind);
    const lacks = parseRanges(await to.tell(transfer, batch.from, encodeList(list)), batch.from + batch.length);
    const sizeOfAll = (indices: readonly number[]): number =>
      indices.reduce((sum, index) => sum + batch.sizeOf(index), 0);
    toSendBytes -= list.sizes.reduce((sum, size) => sum + size, 0) - sizeOfAll(lacks);
    const bringing = toPieces(lacks, { at: (index) => batch.sizeOf(index) }).map(async (piece) => {
      await to.bring(transfer, toRanges(piece), await batch.read(piece));
      sentBytes += sizeOfAll(piece);
      tell();
    });
    await Promise.all(bringing);
    reading.release(batch);
  };
  const underWay: Promise<void>[] = [];
  for await (const batch of reading.batches(signal)) {
    const bringing = bring(batch);
    // Awaited below, in order; a failure of a later one is then known, too.
    bringing.catch(() => undefined);
    underWay.push(bringing);
    if (underWay.length >= BATCHES) await underWay.shift();
  }
  await Promise.all(underWay);
  const { source } = reading;
  const known = await to.complete(transfer, source.content);
  return await finishSending(source, known, sentBytes, to, { signal, ...(progress === undefined ? {} : { progress }) });
}

/** The same for the same files on their way to the same place, as long as they are not changed. */
export function nameTransfer(place: string, { kind, parts, stamps }: Found, target: SendTarget | undefined): ContentId {
  const hash = createHash('sha256').update(JSON.stringify(['transfer', hostname(), place, kind, target ?? null]));
  for (const part of parts) {
    if (part.kind === 'memory') hash.update(part.bytes);
    else hash.update(`\n${part.path} ${sizeOf(part)} ${stamps.get(part)?.text ?? ''}`);
  }
  return hash.digest('hex') as ContentId;
}
