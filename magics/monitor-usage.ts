// What jobs have used over their time, on its way to a panel that looks at them: all of it once, then what has come since. Read again when a job's measurements
// have changed, never by the clock.
import { isFinal } from './protocol/job';
import type { JobRow, KernelMessage } from './protocol/monitor';
import type { UsageSamples } from './protocol/samples';
import type { AgentSeat } from './monitor-seat';

type Measured = Extract<KernelMessage, { readonly type: 'measured' }>;

interface Told {
  samples: UsageSamples;
  isReading: boolean;
  /** Something has changed while it was read. */
  isStale: boolean;
}

const NOTHING: UsageSamples = { stepSeconds: 0, cores: [], memoryMiB: [] };

export class UsageLines {
  readonly #seat: AgentSeat;
  readonly #send: (message: Measured) => void;
  readonly #failed: (error: unknown) => void;
  readonly #told = new Map<string, Told>();

  constructor(seat: AgentSeat, send: (message: Measured) => void, failed: (error: unknown) => void) {
    this.#seat = seat;
    this.#send = send;
    this.#failed = failed;
  }

  begin(job: string): void {
    this.#told.set(job, { samples: NOTHING, isReading: false, isStale: false });
    this.#read(job);
  }

  end(job: string): void {
    this.#told.delete(job);
  }

  /** Measurements or the state of a job have changed. */
  changed({ id, status }: JobRow): void {
    if (status.state === 'running' || isFinal(status)) this.#read(id);
  }

  /** After a lost agent. */
  again(): void {
    for (const job of this.#told.keys()) this.#read(job);
  }

  #read(job: string): void {
    const told = this.#told.get(job);
    const agent = this.#seat.current;
    if (told === undefined || agent === undefined) return;
    told.isStale = told.isReading;
    if (told.isReading) return;
    told.isReading = true;
    agent
      .samples(job)
      .then((samples) => {
        if (samples !== undefined && this.#told.get(job) === told) this.#tell(job, told, samples);
      }, this.#failed)
      .finally(() => {
        told.isReading = false;
        if (told.isStale) this.#read(job);
      });
  }

  #tell(job: string, told: Told, samples: UsageSamples): void {
    const before = told.samples;
    const isLonger = samples.stepSeconds === before.stepSeconds && samples.cores.length >= before.cores.length;
    const hasGpu = (before.gpuPercent === undefined) === (samples.gpuPercent === undefined);
    const from = isLonger && hasGpu ? before.cores.length : 0;
    if (from === samples.cores.length) return;
    told.samples = samples;
    const { stepSeconds, cores, memoryMiB, gpuPercent, gpuMemoryMiB } = samples;
    this.#send({
      ...{ type: 'measured', job, from, stepSeconds },
      cores: cores.slice(from),
      memoryMiB: memoryMiB.slice(from),
      ...(gpuPercent === undefined ? {} : { gpuPercent: gpuPercent.slice(from) }),
      ...(gpuMemoryMiB === undefined ? {} : { gpuMemoryMiB: gpuMemoryMiB.slice(from) }),
    });
  }
}
