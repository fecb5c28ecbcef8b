// What the doctor has proved of the clusters here, in the agent's state directory: things that differ from site to site, and that jobs may rely on only
// where they were seen.
import { join } from 'node:path';
import { messageOf } from '../protocol/errors';
import { readIfThere, writeWhole } from '../protocol/files';
import { clusterLabel } from '../protocol/job';
import { flag, mapOf, number, parseJson, record, type Shaped } from '../protocol/shape';

const proof = record({
  /** Milliseconds since the epoch. */
  at: number,
  /** A step goes on when everything on the login node that belongs to it is killed. */
  stepSurvives: flag,
});
export type Proof = Shaped<typeof proof>;
const proofs = mapOf(proof);

const FILE = 'proofs.json';

export class Proofs {
  readonly #path: string;
  readonly #log: (line: string) => void;

  constructor(stateDirectory: string, log: (line: string) => void) {
    this.#path = join(stateDirectory, FILE);
    this.#log = log;
  }

  of(cluster: string): Proof | undefined {
    return this.#read()[clusterLabel(cluster)];
  }

  keep(cluster: string, found: Proof): void {
    writeWhole(this.#path, `${JSON.stringify({ ...this.#read(), [clusterLabel(cluster)]: found }, null, 1)}\n`);
  }

  /** What cannot be read proves nothing. */
  #read(): Readonly<Record<string, Proof>> {
    const source = readIfThere(this.#path);
    if (source === undefined) return {};
    try {
      return parseJson(source, proofs, this.#path);
    } catch (error) {
      this.#log(messageOf(error));
      return {};
    }
  }
}
