// The runner's two files: heartbeat.json while the job runs, outcome.json once at its end. Both appear whole.
// Making the outcome's file is also the claim on the job: of two runners for one job the second stops there (EEXIST).
// Space for the outcome is taken when the job starts, so that a disk that fills up later can still be told of.
import { closeSync, fsyncSync, ftruncateSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { claimJob, claimPath } from '../protocol/claim';
import { HEARTBEAT_FILE, OUTCOME_FILE } from '../protocol/layout';
import type { Heartbeat, Outcome } from '../protocol/run';

const RESERVED_BYTES = 4096;

export class Report {
  readonly #directory: string;
  readonly #outcome: number;

  constructor(directory: string) {
    this.#directory = directory;
    this.#outcome = claimJob(directory);
    writeSync(this.#outcome, Buffer.alloc(RESERVED_BYTES, ' '));
  }

  beat(heartbeat: Heartbeat): void {
    const part = this.#path(`${HEARTBEAT_FILE}.part`);
    writeFileSync(part, `${JSON.stringify(heartbeat, null, 1)}\n`, { mode: 0o600 });
    renameSync(part, this.#path(HEARTBEAT_FILE));
  }

  /**
   * `tell`: to an agent on this machine, which reads the file at once and need not wait for the disk. Without one, whoever reads it may do so from another
   * machine: it is on the disk before it appears.
   */
  finish(outcome: Outcome, tell?: () => void): void {
    const text = Buffer.from(`${JSON.stringify(outcome, null, 1)}\n`, 'utf8');
    writeSync(this.#outcome, text, 0, text.length, 0);
    ftruncateSync(this.#outcome, text.length);
    if (tell === undefined) fsyncSync(this.#outcome);
    renameSync(claimPath(this.#directory), this.#path(OUTCOME_FILE));
    if (tell !== undefined) {
      tell();
      fsyncSync(this.#outcome);
    }
    closeSync(this.#outcome);
  }

  #path(file: string): string {
    return join(this.#directory, file);
  }
}
