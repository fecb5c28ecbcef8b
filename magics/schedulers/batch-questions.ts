// What a batch system is asked about jobs: one question about all of them, and one more about those that the first answer does not settle.
import { SchedulerError, messageOf } from '../protocol/errors';
import type { NativeId } from '../protocol/job';
import type { RunCommand } from './commands';
import type { BatchDialect, Observation } from './dialect';
import type { Pulse } from './pulse';
import { Waits } from './waits';

export interface QuestionsOptions<Job> {
  readonly name: string;
  readonly dialect: BatchDialect;
  readonly run: RunCommand;
  readonly pulse: Pulse;
  readonly log: (line: string) => void;
  /** undefined: neither queue nor history has it. `unheard`: the queue lacks it and the history did not answer, so that it is no job that is gone. */
  readonly answered: (job: Job, observation: Observation | 'unheard' | undefined) => void;
}

export class BatchQuestions<Job extends { readonly nativeId: NativeId | undefined }> {
  readonly #options: QuestionsOptions<Job>;
  readonly #waits: Waits;

  constructor(options: QuestionsOptions<Job>) {
    this.#options = options;
    this.#waits = new Waits(options.dialect, options.run);
  }

  async ask(jobs: readonly Job[], signal: AbortSignal): Promise<void> {
    const { dialect, run, pulse, log, name, answered } = this.#options;
    const asked = new Map(jobs.flatMap((job) => (job.nativeId === undefined ? [] : [[job.nativeId, job]])));
    const ids = [...asked.keys()];
    if (ids.length === 0) return;
    try {
      const seen = new Map(dialect.parseStatus(await run(dialect.statusCommand(ids), signal)));
      pulse.heard();
      const open = ids.filter((id) => isOpen(seen.get(id)));
      this.#waits.begin(seen);
      const told = open.length === 0 ? new Map<NativeId, Observation>() : await this.#history(open, signal);
      for (const [id, job] of asked) {
        const found = told?.get(id) ?? seen.get(id);
        const observation = found && (await this.#waits.complete(id, found, Date.now(), signal));
        answered(job, observation ?? (told === undefined ? 'unheard' : undefined));
      }
    } catch (error) {
      if (signal.aborted) return;
      pulse.failed(error);
      log(`${name}: ${messageOf(error)}`);
      if (!(error instanceof SchedulerError)) throw error;
    }
  }

  async #history(
    ids: readonly NativeId[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<NativeId, Observation> | undefined> {
    const { dialect, run, log, name } = this.#options;
    try {
      return dialect.parseHistory(await run(dialect.historyCommand(ids), signal));
    } catch (error) {
      log(`${name}: ${messageOf(error)}`);
      if (error instanceof SchedulerError) return undefined;
      throw error;
    }
  }
}

/** The queue lacks it, or knows no more than that it has ended. */
function isOpen(observation: Observation | undefined): boolean {
  return observation === undefined || observation.provisional === true || observation.sighting.state === 'unknown';
}
