// `%cluster fs …` in a notebook: what is shown while it works, and what completion offers of places far away.
import type { AgentConnection } from './client';
import type { ClusterSession } from './cluster';
import { placeOf, readPlace } from './files/place-name';
import { FS_VERBS, runFs } from './fs';
import type { Offers } from './magic';
import { offer } from './magic';
import type { Cell, CellOutcome } from './namespace';
import { News } from './news';
import { completePaths } from './paths';
import { ClusterError } from './protocol/errors';
import { answering } from './questions';
import { succeed } from './show';

export async function runFsMagic(
  words: readonly string[],
  cell: Cell,
  session: ClusterSession,
  agent: AgentConnection,
): Promise<CellOutcome> {
  const { directory } = await session.namespace.chore('directory', {}, cell.signal);
  const news = new News(cell);
  const setting = {
    agent,
    directory,
    signal: cell.signal,
    print: (text: string) => cell.output.write({ type: 'stdout', text }),
    progress: (line: string) => news.tell(line),
  };
  const shown = await answering(agent, cell, () => runFs(words, setting, '%cluster fs'));
  news.end('Done.');
  return succeed(shown);
}

/** Who completes waits no longer. */
const OFFER_MS = 3000;

/** Verbs, then clusters, then what lies there. */
export async function offerFs(
  earlier: readonly string[],
  partial: string,
  session: Pick<ClusterSession, 'clusters' | 'workingDirectory' | 'agent'>,
): Promise<Offers> {
  const [word, ...rest] = earlier;
  if (word === undefined) return offer('command', Object.keys(FS_VERBS));
  const verb = Object.hasOwn(FS_VERBS, word) ? FS_VERBS[word] : undefined;
  const takes = verb?.takes[rest.filter((each) => !each.startsWith('-')).length];
  if (takes === undefined) return { words: [] };
  if (takes === 'here') return offer('path', await completePaths(partial, session.workingDirectory, 'all'));
  if (readPlace(partial) === undefined)
    return offer(
      'cluster',
      session.clusters.map((name) => `${name}:`),
    );
  return await offerPlaces(partial, session);
}

async function offerPlaces(
  partial: string,
  session: Pick<ClusterSession, 'workingDirectory' | 'agent'>,
): Promise<Offers> {
  const { cluster, path } = placeOf(partial);
  const typed = path.slice(0, path.lastIndexOf('/') + 1);
  const place = { cluster, path: typed === '' ? '.' : typed, directory: session.workingDirectory };
  const words: string[] = [];
  try {
    const agent = await session.agent();
    for await (const { entries } of agent.files.list(place, { signal: AbortSignal.timeout(OFFER_MS) }))
      for (const { path: name, kind } of entries)
        if (!name.startsWith('.') || path.slice(typed.length).startsWith('.'))
          words.push(`${cluster}:${typed}${name}${kind === 'folder' ? '/' : ''}`);
  } catch (error) {
    // Not a folder (yet), or nobody answers in time: nothing more is offered.
    if (!ClusterError.is(error) && !(error instanceof DOMException)) throw error;
  }
  return offer('path', words);
}
