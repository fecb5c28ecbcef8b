// Jobs on disk: one directory each, with everything about the job in it. The records are the journal: written beside, synced, renamed.
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, systemCode } from '../protocol/errors';
import { readIfThere, writeAhead, writeWhole } from '../protocol/files';
import { BUNDLE_FILE, ENVELOPE_FILE, OUTCOME_FILE, RECORD_FILE } from '../protocol/layout';
import { isFinal, type JobId, type JobRecord, type JobSpec } from '../protocol/job';
import { jobRecord } from '../protocol/records';
import { outcome } from '../protocol/run';
import { parseJson } from '../protocol/shape';
import { LARGE_BYTES, dropSpares, keepSpare } from '../protocol/spare';
import { isId, nextId } from './ids';
import { readEnvelope } from './envelope';
import type { Evidence } from './status';

/**
 * Several machines may share a state directory. An agent that was taken for dead and lives on must not write over its successor's records: each writes under the
 * number it found at its start, and reads the highest.
 */
export interface Fence {
  /** 0 as long as nobody was overrun. */
  readonly number: number;
  /** Ends this process when another one has taken over. */
  check(): void;
}

const NO_FENCE: Fence = { number: 0, check: () => undefined };

export interface UnreadableJob {
  readonly directory: string;
  readonly problem: string;
}

/** Well below the time after which Linux writes to the disk what is still there (30 s). */
const SPARE_MS = 15_000;

export class JobStore {
  readonly stateDirectory: string;
  readonly #directory: string;
  readonly #fence: Fence;
  #last: JobId | undefined;
  #spareTimer: NodeJS.Timeout | undefined;

  constructor(stateDirectory: string, fence = NO_FENCE) {
    this.stateDirectory = stateDirectory;
    this.#fence = fence;
    // Of an agent that was ended meanwhile.
    dropSpares(stateDirectory);
    this.#directory = join(stateDirectory, 'jobs');
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    this.#last = this.#ids().at(-1);
  }

  /** All jobs on disk, oldest first; those whose record cannot be read are told apart and left alone. */
  load(): { readonly records: readonly JobRecord[]; readonly unreadable: readonly UnreadableJob[] } {
    const records: JobRecord[] = [];
    const unreadable: UnreadableJob[] = [];
    for (const id of this.#ids()) {
      const directory = join(this.#directory, id);
      try {
        const path = this.#adopt(directory);
        const record = parseJson(readFileSync(path, 'utf8'), jobRecord, path);
        // The state directory may have been moved.
        records.push({ ...record, id, directory });
      } catch (error) {
        unreadable.push({ directory, problem: messageOf(error) });
      }
    }
    return { records, unreadable };
  }

  /** A new job, on disk when this returns. */
  create(spec: JobSpec, nowMs: number): JobRecord {
    const id = this.#allocate(nowMs);
    const record: JobRecord = {
      id,
      spec,
      status: { state: 'preparing', step: 'capture' },
      directory: join(this.#directory, id),
      createdAt: nowMs,
      outputBytes: 0,
      droppedBytes: 0,
    };
    try {
      this.save(record);
    } catch (error) {
      // On a full disk: a directory without a record would be nobody's.
      this.remove(record);
      throw error;
    }
    return record;
  }

  save(record: JobRecord): void {
    this.#fence.check();
    writeWhole(join(record.directory, this.#recordFile), toText(record));
  }

  /** Does not wait for the disk: for steps that the job's files tell as well, and for those that mean nothing once the machine has stopped. */
  saveAhead(record: JobRecord, log: (line: string) => void): void {
    this.#fence.check();
    writeAhead(join(record.directory, this.#recordFile), toText(record), (error) => {
      log(`${record.id}: its record may not be on the disk yet: ${error.message}`);
    });
  }

  /** What the files of a job tell about its end. */
  readEvidence(record: JobRecord): Evidence {
    const path = join(record.directory, OUTCOME_FILE);
    const envelope = readEnvelope(record.directory);
    const told = readIfThere(path);
    // Its place is taken with blanks; a machine that stopped at the end of the job may have left it so.
    const isTold = told !== undefined && told.trim() !== '';
    return {
      ...(envelope === undefined ? {} : { envelope }),
      ...(!isTold ? {} : { outcome: parseJson(told, outcome, path) }),
    };
  }

  remove(record: JobRecord): void {
    rmSync(record.directory, { recursive: true, force: true });
  }

  /** Frees the bulk of a job whose result is at home: the log and the record stay. */
  lighten(record: JobRecord): void {
    if (!isFinal(record.status)) return;
    for (const file of [BUNDLE_FILE, ENVELOPE_FILE]) rmSync(join(record.directory, file), { force: true });
  }

  /**
   * Large files of a delivered job go at once: what is deleted within seconds was never written to the disk, and a disk that is busy
   * with old results slows the next job down several times. For these seconds the next job may have them to write over.
   */
  dropLarge(record: JobRecord, log: (line: string) => void): void {
    for (const file of [BUNDLE_FILE, ENVELOPE_FILE]) {
      const path = join(record.directory, file);
      const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
      if (bytes < LARGE_BYTES) continue;
      try {
        keepSpare(path);
      } catch (error) {
        log(`${path} cannot be deleted: ${messageOf(error)}`);
      }
    }
    clearTimeout(this.#spareTimer);
    this.#spareTimer = setTimeout(() => {
      dropSpares(this.stateDirectory);
    }, SPARE_MS).unref();
  }

  get #recordFile(): string {
    return recordFile(this.#fence.number);
  }

  /** The record of the agent before, under this one's number from now on: what that one still writes, nobody reads. */
  #adopt(directory: string): string {
    const own = join(directory, this.#recordFile);
    if (this.#fence.number === 0) return own;
    const names = new Set(readdirSync(directory));
    for (let number = this.#fence.number; number >= 0; number--) {
      if (!names.has(recordFile(number))) continue;
      if (number < this.#fence.number) renameSync(join(directory, recordFile(number)), own);
      return own;
    }
    return own;
  }

  #ids(): JobId[] {
    return readdirSync(this.#directory).filter(isId).sort();
  }

  #allocate(nowMs: number): JobId {
    for (;;) {
      const id = nextId(nowMs, this.#last);
      this.#last = id;
      try {
        mkdirSync(join(this.#directory, id), { mode: 0o700 });
        return id;
      } catch (error) {
        // Made meanwhile by somebody else: the next one.
        if (systemCode(error) !== 'EEXIST') throw error;
      }
    }
  }
}

function recordFile(number: number): string {
  return number === 0 ? RECORD_FILE : `record.${number}.json`;
}

function toText(record: JobRecord): string {
  return `${JSON.stringify(record, null, 1)}\n`;
}
