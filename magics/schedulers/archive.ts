// An archive of packages on its way to the agent of another machine: sent once, whichever job needs it first.
import { statSync } from 'node:fs';
import type { AgentConnection } from '../client';
import type { PackageOrders } from '../protocol/environment';
import { filePart, scan, send } from '../store';

/** Throws LinkClosed when the connection is lost: what has arrived is not sent again. */
export async function sendArchive(
  agent: AgentConnection,
  { archive, sha256 }: PackageOrders,
  signal: AbortSignal,
): Promise<void> {
  if (await agent.archive(sha256)) return;
  const source = await scan('file', [filePart(archive, statSync(archive).size)], { signal });
  await send(source, agent.store, { signal });
  await agent.archive(sha256, source.content);
}
