// What the panel knows of the jobs: messages of the monitor in, the next state out. Pure.
import type { ClusterHealth, Feed, JobRow, KernelMessage } from '../../../magics/protocol/monitor';

export interface Jobs {
  readonly rows: ReadonlyMap<string, JobRow>;
  readonly revision: number;
  /** The kernel's clock less ours, in ms: elapsed times are counted from where the kernel says they began. */
  readonly clockOffset: number;
  /** A snapshot has come since the panel was opened. */
  readonly isKnown: boolean;
  readonly feed: Feed;
  readonly clusters: readonly ClusterHealth[];
  /** Of cells that name none. */
  readonly defaultCluster?: string;
  /** What is wrong with the config. */
  readonly problem: string | undefined;
  readonly home?: Home;
}

/** Whose jobs these are, and where. */
export type Home = Pick<Extract<KernelMessage, { type: 'hello' }>, 'user' | 'host' | 'stateDirectory' | 'version'>;

export type JobsMessage = Extract<KernelMessage, { type: 'hello' | 'snapshot' | 'delta' | 'feed' }>;

export const NO_JOBS: Jobs = {
  rows: new Map(),
  revision: -1,
  clockOffset: 0,
  isKnown: false,
  feed: { state: 'connecting', since: 0 },
  clusters: [],
  problem: undefined,
};

/** Undefined: something was missed in between, and a snapshot has to be asked for. */
export function applyMessage(jobs: Jobs, message: JobsMessage, now: number): Jobs | undefined {
  switch (message.type) {
    case 'hello': {
      const { user, host, stateDirectory, version } = message;
      return { ...jobs, home: { user, host, stateDirectory, version } };
    }
    case 'feed': {
      const { feed, clusters, defaultCluster, problem } = message;
      // Clusters are told of when they are known; a lost feed says nothing new of them.
      if (clusters.length === 0) return { ...jobs, feed };
      return {
        ...jobs,
        ...{ feed, clusters, problem },
        ...(defaultCluster === undefined ? {} : { defaultCluster }),
      };
    }
    case 'snapshot':
      return {
        ...jobs,
        isKnown: true,
        revision: message.revision,
        clockOffset: message.now - now,
        rows: new Map(message.jobs.map((row) => [row.id, row])),
      };
    case 'delta': {
      if (message.base !== jobs.revision) return undefined;
      const rows = new Map(jobs.rows);
      for (const row of message.changed) rows.set(row.id, row);
      for (const id of message.removed) rows.delete(id);
      return { ...jobs, revision: message.revision, rows };
    }
  }
}
