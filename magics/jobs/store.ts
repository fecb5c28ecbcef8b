// Jobs on disk: one directory each, with everything about the job in it. The records are the journal: written beside, synced, renamed.
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
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

export interface UnreadableJob {
  readonly directory: string;
  readonly problem: string;
}

/** Well below the time after which Linux writes to the disk what is still there (30 s). */
const SPARE_MS = 15_000;

export class JobStore {
  readonly stateDirectory: string;
  readonly #directory: string;
  #last: JobId | undefined;
  #spareTimer: NodeJS.Timeout | undefined;

  constructor(stateDirectory: string) {
    this.stateDirectory = stateDirectory;
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
        const record = parseJson(
          readFileSync(join(directory, RECORD_FILE), 'utf8'),
          jobRecord,
          join(directory, RECORD_FILE),
        );
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
    this.save(record);
    return record;
  }

  save(record: JobRecord): void {
    writeWhole(join(record.directory, RECORD_FILE), toText(record));
  }

  /** Does not wait for the disk: for steps that the job's files tell as well, and for those that mean nothing once the machine has stopped. */
  saveAhead(record: JobRecord, log: (line: string) => void): void {
    writeAhead(join(record.directory, RECORD_FILE), toText(record), (error) => {
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

function toText(record: JobRecord): string {
  return `${JSON.stringify(record, null, 1)}\n`;
}
