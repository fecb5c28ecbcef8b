// Job records as a panel gets them, and which of them changed since it was told last. Pure.
import { clusterLabel, type JobRecord } from './protocol/job';
import { MONITOR_PROTOCOL, type JobOutput, type JobRow } from './protocol/monitor';

/** Leaves out what a browser has no business with: the environment, which may hold secrets, and the job's directory. */
export function toRow(job: JobRecord): JobRow {
  const { id, spec, status, createdAt, outputBytes, droppedBytes } = job;
  return {
    id,
    ...(job.nativeId === undefined ? {} : { nativeId: job.nativeId }),
    name: spec.name,
    summary: spec.summary,
    cluster: clusterLabel(spec.cluster),
    resources: spec.resources,
    status,
    origin: spec.origin,
    createdAt,
    ...(job.submittedAt === undefined ? {} : { submittedAt: job.submittedAt }),
    ...(job.startedAt === undefined ? {} : { startedAt: job.startedAt }),
    ...(job.endedAt === undefined ? {} : { endedAt: job.endedAt }),
    ...(job.usage === undefined ? {} : { usage: job.usage }),
    outputBytes,
    droppedBytes,
    ...(job.deliveredAt === undefined ? {} : { deliveredAt: job.deliveredAt }),
    ...(job.cancelRequestedAt === undefined ? {} : { cancelRequestedAt: job.cancelRequestedAt }),
    ...(job.isHeld === true ? { isHeld: true } : {}),
    ...(job.tasks === undefined ? {} : { array: job.tasks }),
  };
}

/** As it is kept in a notebook, see JOB_MIME. */
export function toJobOutput(job: JobRecord): JobOutput {
  const { id, name, cluster, resources, createdAt, submittedAt, startedAt, endedAt, usage, status } = toRow(job);
  return {
    protocol: MONITOR_PROTOCOL,
    ...{ id, name, cluster, resources, createdAt },
    status: status.state === 'running' ? { state: 'running', since: status.since } : status,
    ...(submittedAt === undefined ? {} : { submittedAt }),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(usage === undefined ? {} : { usage }),
  };
}

/** `measured`: only what is measured all the time has changed (usage, bytes of output); nobody waits for it. */
export type Change = 'none' | 'measured' | 'told';

interface Known {
  readonly row: JobRow;
  /** The row without measurements, as text: equal texts are equal rows. */
  readonly told: string;
  readonly all: string;
}

/** The rows of one panel, and what it has not been told of yet. */
export class Rows {
  readonly #known = new Map<string, Known>();
  readonly #changed = new Set<string>();
  readonly #removed = new Set<string>();
  #revision = 0;

  get revision(): number {
    return this.#revision;
  }

  get hasChanges(): boolean {
    return this.#changed.size > 0 || this.#removed.size > 0;
  }

  get(id: string): JobRow | undefined {
    return this.#known.get(id)?.row;
  }

  put(row: JobRow): Change {
    const next = { row, told: JSON.stringify(withoutMeasurements(row)), all: JSON.stringify(row) };
    const known = this.#known.get(row.id);
    if (known?.all === next.all) return 'none';
    this.#known.set(row.id, next);
    this.#changed.add(row.id);
    this.#removed.delete(row.id);
    return known?.told === next.told ? 'measured' : 'told';
  }

  remove(id: string): Change {
    if (!this.#known.delete(id)) return 'none';
    this.#changed.delete(id);
    this.#removed.add(id);
    return 'told';
  }

  /** Every row that there is; the rest goes. */
  replace(rows: readonly JobRow[]): void {
    const kept = new Set(rows.map(({ id }) => id));
    for (const id of [...this.#known.keys()]) if (!kept.has(id)) this.remove(id);
    for (const row of rows) this.put(row);
  }

  takeSnapshot(): { readonly revision: number; readonly jobs: readonly JobRow[] } {
    this.#forgetChanges();
    return { revision: this.#revision, jobs: [...this.#known.values()].map(({ row }) => row) };
  }

  takeDelta(): {
    readonly base: number;
    readonly revision: number;
    readonly changed: readonly JobRow[];
    readonly removed: readonly string[];
  } {
    const base = this.#revision;
    const changed = [...this.#changed].flatMap((id) => this.get(id) ?? []);
    const removed = [...this.#removed];
    this.#forgetChanges();
    return { base, revision: this.#revision, changed, removed };
  }

  #forgetChanges(): void {
    this.#revision += 1;
    this.#changed.clear();
    this.#removed.clear();
  }
}

function withoutMeasurements(row: JobRow): Partial<JobRow> {
  const told: { -readonly [K in keyof JobRow]?: JobRow[K] } = { ...row };
  delete told.usage;
  delete told.outputBytes;
  delete told.droppedBytes;
  return told;
}
