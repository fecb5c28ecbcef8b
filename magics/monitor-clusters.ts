// What a panel does about clusters: reads and changes the config file, and has a cluster looked at. Loaded with the first such wish: what reads configs is more
// than a monitor otherwise needs.
import type { AgentConnection } from './client';
import { readConfigText, removeCluster, saveCluster, setDefaultCluster } from './config/edit';
import { UsageError } from './protocol/errors';
import type { Finding } from './protocol/finding';
import type { ConfigAsk, ConfigFileState, FieldMistake, PanelMessage } from './protocol/monitor';
import { entriesOf } from './monitor-messages';
import { tryCluster } from './tiny-job';

/** A list: nothing was written, and why. Throws UsageError. */
export function configure(ask: ConfigAsk): ConfigFileState | readonly FieldMistake[] {
  switch (ask.ask) {
    case 'read':
      break;
    case 'save': {
      const mistakes = saveCluster(ask.name, ask.entry, ask.was);
      if (mistakes.length > 0) return mistakes;
      break;
    }
    case 'remove':
      removeCluster(ask.name);
      break;
    case 'default':
      setDefaultCluster(ask.name);
  }
  const { clusters, ...rest } = readConfigText();
  return { ...rest, clusters: entriesOf(clusters) };
}

/** Without these no job comes to be. */
const REACHED = 'host agent';

/** Step by step; a job is tried only where it could run. */
export async function* examine(
  agent: AgentConnection,
  cluster: string,
  what: Extract<PanelMessage, { type: 'examine' }>['what'],
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  let isFine = true;
  if (what !== 'job') {
    for await (const found of agent.examine(cluster, signal)) {
      yield found;
      isFine &&= found.verdict === 'fine' || !VITAL.has(found.check);
      // Of a cluster behind a host: the rest is about its machine and its batch system.
      if (what === 'reach' && found.check === REACHED) break;
    }
  }
  signal.throwIfAborted();
  if (what === 'reach' || !isFine) return;
  if (cluster === '') throw new UsageError('Say which cluster.');
  yield await tryCluster(agent, cluster, signal);
}

const VITAL: ReadonlySet<string> = new Set(['reach', 'login shell', 'Node.js there', REACHED]);
