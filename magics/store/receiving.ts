// The receiving end of a transfer that this side has asked for: only what is not here comes over.
import { bytesIn, parseRanges, toRanges, type ChunkList, type ContentId } from '../protocol/chunks';
import { AgentError } from '../protocol/errors';
import type { Content, Contents } from './contents';
import type { SendProgress } from './sending';

/** The agent that has it. */
export interface Giver {
  give(
    content: ContentId,
    chunks: string,
    signal: AbortSignal,
  ): AsyncIterable<{ readonly chunks: string; readonly bytes: Buffer }>;
}

export interface Received {
  readonly content: Content;
  readonly sentBytes: number;
}

const ROUNDS = 4;

/** Throws LinkClosed when the connection is lost: to be called again then. Throws AgentError when there is no room, or other bytes come than were told. */
export async function receive(
  id: ContentId,
  list: ChunkList,
  from: Giver,
  contents: Contents,
  { signal, progress }: { readonly signal: AbortSignal; readonly progress?: (progress: SendProgress) => void },
): Promise<Received> {
  let sentBytes = 0;
  const here = contents.find(id);
  if (here !== undefined) return { content: here, sentBytes };
  const arrival = contents.arrival(id, list);
  for (let round = 0; round < ROUNDS; round++) {
    const missing = arrival.lacks();
    const toSendBytes = sentBytes + missing.reduce((sum, index) => sum + (list.sizes[index] ?? 0), 0);
    progress?.({ kind: 'sent', sentBytes, toSendBytes });
    if (missing.length > 0) {
      for await (const { chunks, bytes } of from.give(id, toRanges(missing), signal)) {
        parseRanges(chunks, list.sizes.length);
        await arrival.take(chunks, bytes);
        sentBytes += bytes.length;
        progress?.({ kind: 'sent', sentBytes, toSendBytes });
      }
    }
    const gathered = await arrival.gather(id, signal, (bytes, of) => progress?.({ kind: 'copied', bytes, of }));
    if (gathered.state === 'whole') return { content: contents.get(id), sentBytes };
  }
  throw new AgentError(
    `Content ${id.slice(0, 12)} (${bytesIn(list)} bytes) does not come together in ${contents.directory}. The log of the agent may tell why.`,
  );
}
