// `%cluster config`: the clusters there are, and where each value of one comes from.
import { configPath, explain, readClusters } from './config';
import { showTable, showText, type Shown } from './show';

/** `folder`: the notebook's. Throws UsageError with each mistake in a file and its place. */
export function showConfig(folder: string): Shown {
  const { clusters, defaultCluster } = readClusters(process.env, folder);
  if (clusters.size === 0)
    return showText(
      `No clusters but local, which is this machine. Others are described in ${configPath()}, or for one project in cellburst.yaml beside the notebook.`,
    );
  const rows = [...clusters.values()].map(({ name, scheduler, host, origin }) => [
    name === defaultCluster ? `${name} (default)` : name,
    scheduler,
    host ?? 'this machine',
    origin,
  ]);
  return showTable(['cluster', 'scheduler', 'host', 'from'], rows);
}

export function showExplained(name: string, folder: string): Shown {
  const rows = explain(name, process.env, folder).map(({ key, value, from }) => [key, value, from]);
  return showTable(['key', 'value', 'from'], rows);
}
