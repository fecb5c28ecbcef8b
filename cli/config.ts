// `cellburst config`: what `%cluster config` shows, for a terminal.
import { configPath, explain, readClusters } from '../magics/config';
import { UsageError } from '../magics/protocol/errors';
import type { Terminal } from './commands';
import { alignColumns } from './show';
import { EXIT } from './usage';

export function config(verb: string | undefined, rest: readonly string[], terminal: Terminal): number {
  if (verb === undefined) return listClusters(terminal);
  const [name, extra] = rest;
  if (verb !== 'explain' || name === undefined || extra !== undefined)
    throw new UsageError(
      '`cellburst config` lists the clusters, `cellburst config explain NAME` tells where each value of one comes from.',
    );
  const values = explain(name, process.env, process.cwd());
  if (terminal.json) terminal.out(`${JSON.stringify(values, null, 2)}\n`);
  else
    terminal.out(
      `${alignColumns([['KEY', 'VALUE', 'FROM'], ...values.map(({ key, value, from }) => [key, value.replaceAll('\n', '; '), from])])}\n`,
    );
  return EXIT.done;
}

function listClusters(terminal: Terminal): number {
  const { clusters, defaultCluster } = readClusters(process.env, process.cwd());
  if (terminal.json) {
    terminal.out(`${JSON.stringify({ defaultCluster, clusters: [...clusters.values()] }, null, 2)}\n`);
    return EXIT.done;
  }
  if (clusters.size === 0) {
    terminal.err(`No clusters but local, which is this machine. Others are described in ${configPath()}.\n`);
    return EXIT.done;
  }
  const rows = [...clusters.values()].map(({ name, scheduler, host, origin }) => [
    name === defaultCluster ? `${name} (default)` : name,
    scheduler,
    host ?? 'this machine',
    origin,
  ]);
  terminal.out(`${alignColumns([['CLUSTER', 'SCHEDULER', 'HOST', 'FROM'], ...rows])}\n`);
  return EXIT.done;
}
