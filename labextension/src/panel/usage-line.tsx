// What a job uses over its time as two or three lines: cores, memory, GPUs, each against what was asked for. The numbers stand beside: a line alone tells too little,
// and nothing to whoever cannot see it.
import * as React from 'react';
import type { JobRow, UsageSamples } from '../../../magics/protocol/monitor';
import type { FollowedUsage } from '../model/followed-usage';
import { formatMemory } from '../model/quantities';
import { Store, type Readable } from '../model/store';
import type { Translation } from '../model/words';
import { useReadable, type App } from './app';

const WIDTH = 100;
const HEIGHT = 20;

interface Graph {
  readonly key: 'cpu' | 'memory' | 'gpu';
  readonly values: readonly number[];
  readonly most: number;
  readonly label: string;
  readonly now: string;
}

const NOTHING: Readable<UsageSamples | undefined> = new Store<UsageSamples | undefined>(undefined);

/** Held from when it is shown to when it is not. */
function useSamples({ client }: App, job: string): UsageSamples | undefined {
  const [usage, setUsage] = React.useState<FollowedUsage>();
  React.useEffect(() => {
    const followed = client.followUsage(job);
    setUsage(followed);
    return () => {
      followed.release();
      setUsage(undefined);
    };
  }, [client, job]);
  return useReadable(usage?.samples ?? NOTHING);
}

export function UsageLines({ app, row }: { readonly app: App; readonly row: JobRow }): React.ReactElement | null {
  const samples = useSamples(app, row.id);
  if (samples === undefined || samples.cores.length === 0) return null;
  return (
    <div className="cb-Usage">
      {graphsOf(samples, row, app.trans).map((graph) => (
        <GraphLine key={graph.key} graph={graph} />
      ))}
    </div>
  );
}

function GraphLine({ graph: { key, values, most, label, now } }: { readonly graph: Graph }): React.ReactElement {
  return (
    <div className={`cb-Usage-graph cb-mod-${key}`} data-graph={key}>
      <span className="cb-Usage-label">{label}</span>
      <svg viewBox={`0 0 ${String(WIDTH)} ${String(HEIGHT)}`} preserveAspectRatio="none" aria-hidden="true">
        <polyline points={pointsOf(values, most)} vectorEffect="non-scaling-stroke" />
      </svg>
      <span className="cb-Usage-now">{now}</span>
    </div>
  );
}

/** A single value is drawn as a level. */
function pointsOf(values: readonly number[], most: number): string {
  const all = values.length === 1 ? [...values, ...values] : values;
  const top = Math.max(most, ...all, 1e-6);
  return all
    .map((value, index) => {
      const x = (index / (all.length - 1)) * WIDTH;
      const y = HEIGHT - 1 - (value / top) * (HEIGHT - 2);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(' ');
}

function graphsOf(samples: UsageSamples, { resources }: JobRow, trans: Translation): Graph[] {
  const { cores, memoryMiB, gpuPercent, gpuMemoryMiB } = samples;
  const busy = (cores.at(-1) ?? 0).toFixed(1);
  const memory = formatMemory(memoryMiB.at(-1) ?? 0);
  const asked = resources.memoryMiB;
  const graphs: Graph[] = [
    {
      ...{ key: 'cpu', values: cores, most: resources.cores, label: trans.__('Cores') },
      now: trans.__('%1 of %2', busy, resources.cores),
    },
    {
      ...{ key: 'memory', values: memoryMiB, most: asked ?? 0, label: trans.__('Memory') },
      now: asked === undefined ? memory : trans.__('%1 of %2', memory, formatMemory(asked)),
    },
  ];
  if (gpuPercent !== undefined)
    graphs.push({
      ...{ key: 'gpu', values: gpuPercent, most: 100, label: trans.__('GPU') },
      now: trans.__('%1%, %2', Math.round(gpuPercent.at(-1) ?? 0), formatMemory(gpuMemoryMiB?.at(-1) ?? 0)),
    });
  return graphs;
}
