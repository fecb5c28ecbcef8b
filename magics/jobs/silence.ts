// Who of the runners was not heard for long. They tell every second that they are there, in a file; when that was is told by our own clock, since that of a
// node may be off.
import type { JobId, JobStatus } from '../protocol/job';

/** A loaded machine or a slow disk takes a while. */
const SUSPECT_MS = 10_000;

interface Heard {
  /** What the runner said last. */
  readonly beatAt: number;
  /** When that was seen here first. */
  readonly seenAt: number;
}

export class Silence {
  readonly #heard = new Map<JobId, Heard>();

  /** The status of a job that runs, with when its runner was heard last where that was long ago. */
  note(id: JobId, status: JobStatus & { state: 'running' }, beatAt: number, nowMs: number): JobStatus {
    const last = this.#heard.get(id);
    const heard = last?.beatAt === beatAt ? last : { beatAt, seenAt: nowMs };
    this.#heard.set(id, heard);
    const { silentSince, ...rest } = status;
    if (nowMs - heard.seenAt > SUSPECT_MS)
      return silentSince === heard.seenAt ? status : { ...rest, silentSince: heard.seenAt };
    return silentSince === undefined ? status : rest;
  }

  forget(id: JobId): void {
    this.#heard.delete(id);
  }
}
