// An archive of packages on its way to the agent of another machine: sent once, whichever job needs it first; two that need it at once share the way.
import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentConnection } from '../client';
import type { PackageOrders } from '../protocol/environment';

const PIECE_BYTES = 1024 * 1024;
/** So many pieces are under way at once, so that a long way does not slow the archive down. */
const PIECES = 8;
/** Somebody else is sending the same. */
const PAUSE_MS = 200;

/** Throws LinkClosed when the connection is lost: what has arrived is not sent again. */
export async function sendArchive(
  agent: AgentConnection,
  { archive, sha256 }: PackageOrders,
  signal: AbortSignal,
): Promise<void> {
  const total = statSync(archive).size;
  let size = await agent.archive({ sha256, offset: 0, total }, Buffer.alloc(0));
  if (size === total) return;
  const file = await open(archive, 'r');
  try {
    while (size < total) {
      const before = size;
      const underWay: Promise<number>[] = [];
      for (let offset = size; offset < total; offset += PIECE_BYTES) {
        signal.throwIfAborted();
        const bytes = Buffer.allocUnsafe(Math.min(PIECE_BYTES, total - offset));
        await file.read(bytes, 0, bytes.length, offset);
        const sending = agent.archive({ sha256, offset, total }, bytes);
        // Awaited below, in order; a failure of a later one is then known, too.
        sending.catch(() => undefined);
        underWay.push(sending);
        if (underWay.length >= PIECES) size = (await underWay.shift()) ?? size;
      }
      for (const sending of underWay) size = await sending;
      if (size === before) await sleep(PAUSE_MS, undefined, { signal });
    }
  } finally {
    await file.close();
  }
}
