// Chunks of files that were read before and have not changed since: by size, inode and both times. One file for each place that was sent, rewritten
// whole. A file that was changed a moment before it was read is not noted: what comes in the same tick of the clock could not be told apart.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { isMissing } from '../protocol/files';
import { isObject } from '../protocol/shape';
import type { Chunks } from './source';

/** By what a file is known again. */
export interface Stamp {
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly changedAt: number;
}

/** Times as numbers tell 0.25 µs apart, which is finer than the clocks of file systems; as bigints they make a walk of ten thousand files twice as dear. */
export function stampOf({ size, dev, ino, mtimeMs, ctimeMs }: Stats): Stamp {
  return { text: `${size} ${dev} ${ino} ${mtimeMs} ${ctimeMs}`, changedAt: ctimeMs };
}

/** Clocks of network file systems are coarse. */
const SETTLED_MS = 2000;
const DAY_MS = 86_400_000;

export class Seen {
  readonly #file: string;
  readonly #old: Map<string, unknown>;
  readonly #new = new Map<string, unknown>();
  #isChanged = false;

  /** `place`: the absolute path that is sent. */
  constructor(directory: string, place: string) {
    this.#file = join(directory, `${createHash('sha256').update(place).digest('hex')}.seen`);
    this.#old = readEntries(this.#file);
  }

  find(path: string, stamp: Stamp): Chunks | undefined {
    const entry = this.#old.get(path);
    if (!isObject(entry) || entry['stamp'] !== stamp.text) return undefined;
    const { sizes, digests } = entry;
    if (!Array.isArray(sizes) || typeof digests !== 'string') return undefined;
    this.#new.set(path, entry);
    return { sizes: sizes.map(Number), digests: Buffer.from(digests, 'base64') };
  }

  note(path: string, stamp: Stamp, { sizes, digests }: Chunks): void {
    if (Date.now() - stamp.changedAt < SETTLED_MS) return;
    this.#new.set(path, { stamp: stamp.text, sizes, digests: digests.toString('base64') });
    this.#isChanged = true;
  }

  /** Only what was looked for stays. */
  save(): void {
    if (!this.#isChanged && this.#new.size === this.#old.size) return;
    mkdirSync(join(this.#file, '..'), { recursive: true, mode: 0o700 });
    const part = `${this.#file}.part`;
    writeFileSync(part, JSON.stringify(Object.fromEntries(this.#new)), { mode: 0o600 });
    renameSync(part, this.#file);
  }
}

/** Forgets what was not sent for long. */
export function sweepSeen(directory: string, days: number, nowMs: number): void {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  for (const name of names.filter((each) => each.includes('.seen'))) {
    const { mtimeMs } = statSync(join(directory, name), { throwIfNoEntry: false }) ?? { mtimeMs: nowMs };
    if (nowMs - mtimeMs > days * DAY_MS) rmSync(join(directory, name), { force: true });
  }
}

/** A damaged file has nothing to tell: everything is read again. */
function readEntries(file: string): Map<string, unknown> {
  let source: string;
  try {
    source = readFileSync(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return new Map();
    throw error;
  }
  try {
    const entries: unknown = JSON.parse(source);
    return new Map(isObject(entries) ? Object.entries(entries) : []);
  } catch (error) {
    if (error instanceof SyntaxError) return new Map();
    throw error;
  }
}
