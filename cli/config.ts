// `cellburst config`: what `%cluster config` shows, for a terminal.
import { configPath, explain, readClusters } from '../magics/config';
import { UsageError } from '../magics/protocol/errors';
import type { Call } from './command';
import { EXIT } from './exit';
import { tellJson } from './jobs';
import { alignColumns } from './show';
import type { Terminal } from './terminal';

export function config({ words, terminal }: Call): number {
  const [verb, name] = words;
  if (verb === undefined) return listClusters(terminal);
  if (name === undefined) throw new UsageError('Which cluster? `cellburst config explain NAME`.');
  const values = explain(name, process.env, process.cwd());
  if (terminal.json) tellJson(values, terminal);
  else
    terminal.out(
      `${alignColumns([['KEY', 'VALUE', 'FROM'], ...values.map(({ key, value, from }) => [key, value.replaceAll('\n', '; '), from])])}\n`,
    );
  return EXIT.done;
}

function listClusters(terminal: Terminal): number {
  const { clusters, defaultCluster } = readClusters(process.env, process.cwd());
  if (terminal.json) {
    tellJson({ defaultCluster, clusters: [...clusters.values()] }, terminal);
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
