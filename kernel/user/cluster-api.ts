// `import { cluster } from 'cellburst'`: files of clusters for the code of cells at home. Connects to the home agent when it is first used.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAgent, type AgentConnection } from '../../magics/client';
import {
  listPlace,
  measurePlace,
  readPlace,
  removePlace,
  roomAt,
  type FilesSetting,
  type Removed,
  type Usage,
} from '../../magics/cluster-files';
import { cannotStart, failureOf, isStuck } from '../../magics/failure';
import { LastLines } from '../../magics/last-lines';
import { getPlace, putPlace, type TransferSetting, type Transferred } from '../../magics/transfer';
import { ClusterError, UsageError } from '../../magics/protocol/errors';
import { isFinal } from '../../magics/protocol/job';
import type { Listed } from '../../magics/protocol/job-files';
import { OutputReader } from '../../magics/protocol/output';
import { onInterrupt } from '../../magics/realm/interrupts';

export interface PlaceOptions {
  /** Folders with all that is in them. */
  readonly recursive?: boolean;
  /** Files that are there already are replaced. */
  readonly force?: boolean;
}

interface TransferOptions extends PlaceOptions {
  /** Bytes that went over the connection, of those that have to. */
  readonly progress?: (bytes: number, of: number) => void;
}

export interface ClusterFs {
  list(place: string, options?: PlaceOptions): Promise<ClusterFile[]>;
  read(place: string): Promise<Buffer>;
  readText(place: string): Promise<string>;
  write(place: string, content: string | Uint8Array): Promise<void>;
  get(place: string, here?: string, options?: TransferOptions): Promise<Transferred>;
  put(here: string, place: string, options?: TransferOptions): Promise<Transferred>;
  remove(place: string, options?: PlaceOptions): Promise<Removed>;
  usage(place: string): Promise<Usage>;
  space(place: string): Promise<{ readonly totalBytes: number; readonly availableBytes: number }>;
}

export interface ClusterFile extends Omit<Listed, 'modifiedAt'> {
  readonly modifiedAt: Date;
}

/** Asks a person in the running cell, for hosts that want a password. */
type AskPerson = (prompt: string, options: { readonly password: boolean }) => Promise<string>;

/** A job that has ended with a result, be it an error that its cell threw. */
export interface EndedJob {
  readonly id: string;
  readonly outcome: 'value' | 'error';
  readonly isDelivered: boolean;
  readonly node?: string;
}

export interface ClusterApi {
  readonly fs: ClusterFs;
  wait(id: string): Promise<EndedJob>;
}

export function makeClusterApi(ask: AskPerson): ClusterApi {
  const desk = new Desk(ask);
  const full = ({ recursive = false, force = false }: PlaceOptions = {}) => ({ recursive, force });
  return {
    fs: {
      list: (place, options) =>
        desk.do(async (setting) => {
          const { entries } = await listPlace(place, full(options).recursive, setting);
          return entries.map((entry) => ({ ...entry, modifiedAt: new Date(entry.modifiedAt) }));
        }),
      read: (place) => desk.do((setting) => readPlace(place, setting)),
      readText: (place) => desk.do(async (setting) => (await readPlace(place, setting)).toString('utf8')),
      write: (place, content) => desk.do((setting) => writePlace(place, content, setting)),
      get: (place, here, options) =>
        desk.do((setting) => getPlace(place, here, full(options), { ...setting, ...told(options) })),
      put: (here, place, options) =>
        desk.do((setting) => putPlace(here, place, full(options), { ...setting, ...told(options) })),
      remove: (place, options) => desk.do((setting) => removePlace(place, full(options).recursive, setting)),
      usage: (place) => desk.do((setting) => measurePlace(place, setting)),
      space: (place) => desk.do((setting) => roomAt(place, setting)),
    },
    wait: (id) => desk.do((setting) => waitFor(id, setting)),
  };
}

function told({ progress }: TransferOptions = {}): Pick<TransferSetting, 'progress'> {
  return {
    progress: (news) => {
      if (news.kind === 'sent') progress?.(news.bytes, news.of);
    },
  };
}

/** Throws the error of its cause when it leaves no result, or cannot start. */
async function waitFor(typed: string, { agent, signal }: FilesSetting): Promise<EndedJob> {
  let job = await agent.job(typed);
  if (!isFinal(job.status))
    for await (job of agent.watch(job.id, signal)) {
      if (isFinal(job.status)) break;
      if (isStuck(job)) throw cannotStart(job);
    }
  const { id, status, node, deliveredAt } = job;
  if (status.state !== 'completed') throw failureOf(job, await readLastLines(agent, id, signal));
  const isDelivered = deliveredAt !== undefined;
  return { id, outcome: status.outcome, isDelivered, ...(node === undefined ? {} : { node }) };
}

async function readLastLines(agent: AgentConnection, id: string, signal: AbortSignal): Promise<readonly string[]> {
  const printed = new LastLines();
  const reader = new OutputReader();
  for await (const { bytes } of agent.output(id, { signal }))
    for (const { record } of reader.push(bytes)) printed.push(record);
  return printed.lines;
}

async function writePlace(place: string, content: string | Uint8Array, setting: FilesSetting): Promise<void> {
  if (place.endsWith('/')) throw new UsageError(`${place} is a folder: the name of a file is needed.`);
  const folder = mkdtempSync(join(tmpdir(), 'cellburst-'));
  try {
    const path = join(folder, randomBytes(6).toString('hex'));
    writeFileSync(path, content, { mode: 0o644 });
    const options = { recursive: false, force: true };
    await putPlace(path, place, options, { ...setting, progress: () => undefined });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

class Desk {
  readonly #ask: AskPerson;
  #agent: AgentConnection | undefined;

  constructor(ask: AskPerson) {
    this.#ask = ask;
  }

  /** Ends with the cell when it is interrupted. */
  async do<T>(work: (setting: FilesSetting) => Promise<T>): Promise<T> {
    const done = new AbortController();
    const stopListening = onInterrupt(() => done.abort());
    const { signal } = done;
    try {
      this.#agent ??= await connectAgent();
      const agent = this.#agent;
      void this.#answer(agent, signal);
      return await work({ agent, directory: process.cwd(), signal });
    } catch (error) {
      // Taken here, behind the await: it leads to the cell's line, and that of an error off the wire to nothing.
      if (ClusterError.is(error)) Error.captureStackTrace(error);
      throw error;
    } finally {
      stopListening();
      done.abort();
    }
  }

  async #answer(agent: AgentConnection, signal: AbortSignal): Promise<void> {
    try {
      for await (const event of agent.questions(signal)) {
        if (event.kind === 'settled') continue;
        const { id, host, text, isSecret } = event;
        await agent.answer(id, await this.#ask(`${host}: ${text} `, { password: isSecret }));
      }
    } catch (error) {
      // The work itself hears of a lost connection; a front end that cannot ask leaves the question to the agent's patience.
      if (!signal.aborted && !ClusterError.is(error) && !(error instanceof Error)) throw error;
    }
  }
}
