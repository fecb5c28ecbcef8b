// While a cell waits for a cluster, the cluster's host may want something of its user: a password, a code, a word on its key. It is asked in the cell.
import type { AgentConnection } from './client';
import type { Cell } from './namespace';
import { ClusterError } from './protocol/errors';

/** Does the work, and has questions of the home agent answered meanwhile. */
export async function answering<T>(
  agent: AgentConnection,
  cell: Pick<Cell, 'ask' | 'signal'>,
  work: () => Promise<T>,
): Promise<T> {
  const { ask } = cell;
  if (ask === undefined) return await work();
  const done = new AbortController();
  const listening = answerAll(agent, ask, AbortSignal.any([cell.signal, done.signal]));
  try {
    return await work();
  } finally {
    done.abort();
    await listening;
  }
}

async function answerAll(agent: AgentConnection, ask: NonNullable<Cell['ask']>, signal: AbortSignal): Promise<void> {
  try {
    for await (const event of agent.questions(signal)) {
      if (event.kind === 'settled') continue;
      const { id, host, text, isSecret } = event;
      const answer = await ask({ prompt: `${host}: ${text} `, isSecret }, signal);
      await agent.answer(id, answer);
    }
  } catch (error) {
    // A connection that is lost, or a cell that is interrupted: the work itself hears of it, and tells.
    if (!signal.aborted && !ClusterError.is(error)) throw error;
  }
}
