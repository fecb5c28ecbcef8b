// The files of a content that comes in: its bytes in the making, and beside them the note of what has come. Both outlive the agent. What is to be a file
// of the user's grows beside its place, so that it is of the folder it will be in (its group, its disk, its quota), and no byte is written twice.
import {
  chmodSync,
  closeSync,
  existsSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ChunkList, ContentId } from '../protocol/chunks';
import { AgentError, UsageError, messageOf, systemCode } from '../protocol/errors';
import { arrivalFile, contentFile, journalFile, writeList } from './places';

/** Where a file is to be, for whom it is sent. */
export interface Target {
  readonly path: string;
  /** It may take the place of a file. */
  readonly replace: boolean;
  readonly mode: number;
}

/** Errors of the disk are told as such. */
export interface OpenArrival extends AsyncDisposable {
  writeAt(bytes: Buffer, position: number): Promise<void>;
  /** How many bytes there were. */
  readAt(into: Buffer, position: number): Promise<number>;
  /** Chunks that have been written. */
  note(indices: readonly number[]): Promise<void>;
  sync(): Promise<void>;
}

/** Until what nobody uses is closed. */
const LINGER_MS = 500;

interface Handles {
  readonly file: FileHandle;
  readonly journal: FileHandle;
}

export class ArrivalFile {
  readonly #directory: string;
  readonly #bytes: number;
  readonly #target: Target | undefined;
  /** The content's id, or what its sender calls the transfer until that is known. */
  #name: string;
  #handles: Promise<Handles> | undefined;
  #users = 0;
  #closing: NodeJS.Timeout | undefined;

  constructor(directory: string, name: string, bytes: number, target: Target | undefined) {
    this.#directory = directory;
    this.#name = name;
    this.#bytes = bytes;
    this.#target = target;
  }

  get target(): Target | undefined {
    return this.#target;
  }

  /** Makes it as long as it will be. Gives the chunks that were noted in an earlier life of the agent. */
  open(): number[] {
    const path = arrivalFile(this.#directory, this.#name);
    const journal = journalFile(this.#directory, this.#name);
    const noted: number[] = [];
    this.#lead(path);
    if (existsSync(path) && existsSync(journal)) {
      const bytes = readFileSync(journal);
      for (let at = 0; at + 4 <= bytes.length; at += 4) noted.push(bytes.readUInt32LE(at));
    } else rmSync(journal, { force: true });
    try {
      const file = openSync(path, existsSync(path) ? 'r+' : 'w', 0o600);
      try {
        ftruncateSync(file, this.#bytes);
      } finally {
        closeSync(file);
      }
    } catch (error) {
      throw this.#toError(error);
    }
    return noted;
  }

  /** The file of the store leads to the one beside the target. */
  #lead(path: string): void {
    if (this.#target === undefined) return;
    const { path: target } = this.#target;
    const part = join(dirname(target), `.${basename(target)}.cellburst-${this.#name.slice(0, 12)}.part`);
    if (leadsTo(path) === part) return;
    removeArrival(path);
    mkdirSync(dirname(target), { recursive: true });
    symlinkSync(part, path);
  }

  /** Whoever uses it at the same time shares what is open. */
  async use(): Promise<OpenArrival> {
    this.#users += 1;
    clearTimeout(this.#closing);
    const release = (): Promise<void> => {
      this.#users -= 1;
      // The next piece is on its way.
      if (this.#users === 0) this.#closing = setTimeout(() => void this.close(), LINGER_MS).unref();
      return Promise.resolve();
    };
    let handles: Handles;
    try {
      handles = await (this.#handles ??= this.#open());
    } catch (error) {
      this.#handles = undefined;
      this.#users -= 1;
      throw error;
    }
    const { file, journal } = handles;
    const told = async <T>(work: () => Promise<T>): Promise<T> => {
      try {
        return await work();
      } catch (error) {
        throw this.#toError(error);
      }
    };
    return {
      writeAt: (bytes, position) => told(() => writeAll(file, bytes, position)),
      readAt: async (into, position) => (await file.read(into, 0, into.length, position)).bytesRead,
      note: async (indices) => {
        await told(() => journal.write(Buffer.from(Uint32Array.from(indices).buffer)));
      },
      sync: () => told(() => file.sync()),
      [Symbol.asyncDispose]: release,
    };
  }

  /** When nobody uses it any more. */
  async close(): Promise<void> {
    clearTimeout(this.#closing);
    const handles = this.#handles;
    if (this.#users > 0 || handles === undefined) return;
    this.#handles = undefined;
    const { file, journal } = await handles;
    await file.close();
    await journal.close();
  }

  async #open(): Promise<Handles> {
    const file = await open(arrivalFile(this.#directory, this.#name), 'r+');
    try {
      return { file, journal: await open(journalFile(this.#directory, this.#name), 'a', 0o600) };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Its content is known by now. */
  rename(id: ContentId): void {
    for (const at of [arrivalFile, journalFile]) {
      const from = at(this.#directory, this.#name);
      if (existsSync(from)) renameSync(from, at(this.#directory, id));
    }
    this.#name = id;
  }

  /** All has come: it takes its place, and its list says so. Throws UsageError when somebody else was quicker at the target. */
  finish(id: ContentId, list: ChunkList): void {
    const arrival = arrivalFile(this.#directory, this.#name);
    if (this.#target === undefined) {
      renameSync(arrival, contentFile(this.#directory, id));
      writeList(this.#directory, id, list);
    } else {
      const part = leadsTo(arrival) ?? arrival;
      chmodSync(part, this.#target.mode & 0o777);
      putAt(part, this.#target);
      rmSync(arrival, { force: true });
    }
    rmSync(journalFile(this.#directory, this.#name), { force: true });
  }

  #toError(error: unknown): unknown {
    const code = systemCode(error);
    if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
    const why = code === 'ENOSPC' ? 'the disk is full' : 'the quota is used up';
    const [where, advice] =
      this.#target === undefined
        ? [`the store ${this.#directory}`, 'Free some space there, or set `store` of the cluster to another place.']
        : [this.#target.path, 'Free some space there, or name another place.'];
    return new AgentError(`Cannot write ${this.#bytes} bytes to ${where}: ${why} (${messageOf(error)}). ${advice}`, {
      cause: error,
    });
  }
}

/** What came of a transfer that nobody goes on with, wherever it lies. */
export function removeArrival(path: string): void {
  const part = leadsTo(path);
  if (part !== undefined) rmSync(part, { force: true });
  rmSync(path, { force: true });
}

function leadsTo(path: string): string | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true ? readlinkSync(path) : undefined;
}

/** To its place. Throws UsageError when there is something that may not be replaced, also where a rename would just take its place. */
export function putAt(part: string, { path, replace }: Target): void {
  if (replace) {
    renameSync(part, path);
    return;
  }
  try {
    linkSync(part, path);
    rmSync(part);
  } catch (error) {
    const code = systemCode(error) ?? '';
    if (code !== 'EEXIST' && NO_LINKS.has(code) && !existsSync(path)) renameSync(part, path);
    else if (code === 'EEXIST' || existsSync(path))
      throw new UsageError(`Cannot put a file to ${path}: there is something already.`, { cause: error });
    else throw error;
  }
}

/** File systems without links. */
export const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV']);

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;)
    at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
}
