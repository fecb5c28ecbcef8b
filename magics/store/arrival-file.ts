// The files of a content that comes in: its bytes in the making, and beside them the note of what has come. Both outlive the agent.
import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { bytesIn, encodeList, type ChunkList, type ContentId } from '../protocol/chunks';
import { AgentError, messageOf, systemCode } from '../protocol/errors';
import { arrivalFile, contentFile, journalFile, listFile } from './places';

/** Errors of the disk are told as such. */
export interface OpenArrival extends AsyncDisposable {
  writeAt(bytes: Buffer, position: number): Promise<void>;
  /** How many bytes there were. */
  readAt(into: Buffer, position: number): Promise<number>;
  sync(): Promise<void>;
}

export class ArrivalFile {
  readonly #directory: string;
  readonly #id: ContentId;
  readonly #list: ChunkList;

  constructor(directory: string, id: ContentId, list: ChunkList) {
    this.#directory = directory;
    this.#id = id;
    this.#list = list;
  }

  /** Makes it as long as it will be. Gives the chunks that were noted in an earlier life of the agent. */
  open(): number[] {
    const path = arrivalFile(this.#directory, this.#id);
    const journal = journalFile(this.#directory, this.#id);
    const noted: number[] = [];
    if (existsSync(path) && existsSync(journal)) {
      const bytes = readFileSync(journal);
      for (let at = 0; at + 4 <= bytes.length; at += 4) noted.push(bytes.readUInt32LE(at));
    }
    const file = openSync(path, existsSync(path) ? 'r+' : 'w', 0o600);
    try {
      ftruncateSync(file, bytesIn(this.#list));
    } catch (error) {
      throw this.#toError(error);
    } finally {
      closeSync(file);
    }
    return noted;
  }

  async write(): Promise<OpenArrival> {
    const file = await open(arrivalFile(this.#directory, this.#id), 'r+');
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
      sync: () => told(() => file.sync()),
      [Symbol.asyncDispose]: () => file.close(),
    };
  }

  /** Chunks that have been written. */
  note(indices: readonly number[]): void {
    const journal = openSync(journalFile(this.#directory, this.#id), 'a', 0o600);
    try {
      writeSync(journal, Buffer.from(Uint32Array.from(indices).buffer));
    } finally {
      closeSync(journal);
    }
  }

  /** All has come: it takes its place, and its list says so. */
  finish(): void {
    renameSync(arrivalFile(this.#directory, this.#id), contentFile(this.#directory, this.#id));
    writeList(listFile(this.#directory, this.#id, this.#list.kind), encodeList(this.#list));
    rmSync(journalFile(this.#directory, this.#id), { force: true });
  }

  #toError(error: unknown): unknown {
    const code = systemCode(error);
    if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
    const why = code === 'ENOSPC' ? 'the disk is full' : 'the quota is used up';
    return new AgentError(
      `Cannot write ${bytesIn(this.#list)} bytes to the store ${this.#directory}: ${why} (${messageOf(error)}). Free some space there, or set \`store\` of the cluster to another place.`,
      { cause: error },
    );
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;)
    at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
}

function writeList(path: string, bytes: Buffer): void {
  const part = `${path}.part`;
  const file = openSync(part, 'w', 0o600);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
  } finally {
    closeSync(file);
  }
  renameSync(part, path);
}
