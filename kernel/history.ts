// What was executed, for `history_request`: of this session, and of all earlier ones of this person. One file per session, so that kernels never
// write into each other's and a number once given stays; lines of JSON, appended, so that a crash costs at most the line it was writing.
import { appendFile, mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../magics/protocol/errors';
import type { Log } from './log';
import { settles } from './patience';
import type { Content } from './wire/message';

interface Row {
  readonly session: number;
  readonly line: number;
  readonly source: string;
  readonly output: string | null;
}

/** One line of a file: a cell when it begins, its result when it has one. */
type Entry = { readonly line: number; readonly source: string } | { readonly line: number; readonly output: string };

/** A disk that has not answered by then is done without. */
const DISK_MILLISECONDS = 1_000;
const MAX_SESSIONS = 500;
const MAX_BYTES = 20 * 1024 * 1024;
const MAX_SOURCE = 100_000;
const MAX_OUTPUT = 10_000;
/** Somebody who makes kernels this fast has other worries than the number of one. */
const MAX_TRIES = 100;

export class History {
  readonly #directory: string;
  readonly #log: Log;
  readonly #rows: Row[] = [];
  /** All of the disk, one step after the other. Never rejects. */
  #work: Promise<void> = Promise.resolve();
  #file: string | undefined;
  #session = 0;

  /** Makes no file before the first cell. */
  constructor(directory: string, log: Log) {
    this.#directory = directory;
    this.#log = log;
  }

  /** A cell begins. */
  add(line: number, source: string): void {
    const kept = source.slice(0, MAX_SOURCE);
    this.#rows.push({ session: 0, line, source: kept, output: null });
    this.#append({ line, source: kept });
  }

  /** A cell has given a result. */
  addOutput(line: number, text: string): void {
    const output = text.slice(0, MAX_OUTPUT);
    const at = this.#rows.findLastIndex((row) => row.line === line);
    const row = this.#rows[at];
    if (row) this.#rows[at] = { ...row, output };
    this.#append({ line, output });
  }

  /** Content of the reply. Unknown access types get an empty history; a disk that does not answer leaves this session's. */
  async answer(request: Content): Promise<Content> {
    let rows: readonly Row[] | undefined;
    // One step after the other: however many ask, a hung disk holds up one thread of Node's few.
    this.#work = this.#work.then(async () => {
      try {
        rows = await this.#select(request);
      } catch (error) {
        this.#log.write('the history could not be read', error);
      }
    });
    await settles(this.#work, DISK_MILLISECONDS);
    rows ??= lastOf(this.#own(), typeof request['n'] === 'number' ? request['n'] : Infinity);
    const withOutput = request['output'] === true;
    const history = rows.map(({ session, line, source, output }) => [
      session,
      line,
      withOutput ? [source, output] : source,
    ]);
    return { status: 'ok', history };
  }

  /** Resolves when everything is on the disk, or the disk does not answer: that is false. */
  close(): Promise<boolean> {
    return settles(this.#work, DISK_MILLISECONDS);
  }

  async #select(request: Content): Promise<readonly Row[]> {
    const count = typeof request['n'] === 'number' ? request['n'] : undefined;
    switch (request['hist_access_type']) {
      case 'tail':
        return this.#tail(count ?? Infinity);
      case 'range':
        return this.#range(request);
      case 'search': {
        const pattern = typeof request['pattern'] === 'string' ? request['pattern'] : '*';
        const found = (await this.#tail(Infinity)).filter(({ source }) => matchesGlob(source, pattern));
        return lastOf(request['unique'] === true ? unique(found) : found, count ?? Infinity);
      }
      default:
        return [];
    }
  }

  /** The newest rows, oldest first: of as many sessions as it takes. */
  async #tail(count: number): Promise<readonly Row[]> {
    let rows = this.#own();
    const earlier = (await this.#sessions()).filter((session) => session !== this.#session);
    for (let session = earlier.pop(); session !== undefined && rows.length < count; session = earlier.pop())
      rows = [...(await this.#read(session)), ...rows];
    return lastOf(rows, count);
  }

  /** Session 0 is this one, -1 the one before, a positive number is the session's own. */
  async #range({ session: wanted, start, stop }: Content): Promise<readonly Row[]> {
    const from = typeof start === 'number' ? start : 0;
    const to = typeof stop === 'number' ? stop : Infinity;
    const number = typeof wanted === 'number' ? wanted : 0;
    const rows = await this.#rowsOf(number);
    return rows.filter(({ line }) => line >= from && line < to);
  }

  async #rowsOf(number: number): Promise<readonly Row[]> {
    if (number === 0 || number === this.#session) return this.#own();
    if (number > 0) return this.#read(number);
    const earlier = (await this.#sessions()).filter((session) => session !== this.#session);
    const session = earlier.at(number);
    return session === undefined ? [] : this.#read(session);
  }

  /** Rows of this session. Its number is known once its file is made. */
  #own(): readonly Row[] {
    return this.#rows.map((row) => ({ ...row, session: this.#session }));
  }

  async #sessions(): Promise<number[]> {
    const names = await readdir(this.#directory).catch(orNothing);
    return names
      .flatMap((name) => /^(\d+)\.jsonl$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }

  async #read(session: number): Promise<readonly Row[]> {
    const text = await readFile(this.#path(session), 'utf8').catch((error: unknown) => {
      // Another kernel has made room meanwhile.
      if (systemCode(error) === 'ENOENT') return '';
      throw error;
    });
    const rows = new Map<number, Row>();
    for (const entry of text.split('\n').flatMap(parseEntry)) {
      const { line } = entry;
      if ('source' in entry) rows.set(line, { session, line, source: entry.source, output: null });
      else {
        const row = rows.get(line);
        if (row) rows.set(line, { ...row, output: entry.output });
      }
    }
    return [...rows.values()];
  }

  #append(entry: Entry): void {
    this.#work = this.#work.then(async () => {
      try {
        this.#file ??= await this.#begin();
        await appendFile(this.#file, `${JSON.stringify(entry)}\n`);
      } catch (error) {
        // History is a comfort: a full disk must not cost more than it.
        this.#log.write('the history could not be written', error);
      }
    });
  }

  /** Takes the next free number, by making its file. */
  async #begin(): Promise<string> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const sessions = await this.#sessions();
    let next = (sessions.at(-1) ?? 0) + 1;
    for (let tries = 0; ; tries++, next++) {
      try {
        await (await open(this.#path(next), 'wx', 0o600)).close();
        break;
      } catch (error) {
        if (systemCode(error) !== 'EEXIST' || tries === MAX_TRIES) throw error;
      }
    }
    this.#session = next;
    await this.#makeRoom(sessions);
    return this.#path(next);
  }

  /** Removes the oldest sessions beyond what is kept. */
  async #makeRoom(sessions: readonly number[]): Promise<void> {
    let bytes = 0;
    for (const [age, session] of [...sessions].reverse().entries()) {
      const path = this.#path(session);
      bytes += (await stat(path).catch(() => ({ size: 0 }))).size;
      if (age >= MAX_SESSIONS || bytes > MAX_BYTES) await rm(path, { force: true });
    }
  }

  #path(session: number): string {
    return join(this.#directory, `${session}.jsonl`);
  }
}

/** A line that was cut short by a crash, or is none of ours, is no entry. */
function parseEntry(text: string): Entry[] {
  if (text === '') return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
  if (typeof value !== 'object' || value === null) return [];
  const { line, source, output } = value as Record<string, unknown>;
  if (typeof line !== 'number') return [];
  if (typeof source === 'string') return [{ line, source }];
  return typeof output === 'string' ? [{ line, output }] : [];
}

function orNothing(error: unknown): string[] {
  // Nobody has executed anything yet.
  if (systemCode(error) === 'ENOENT') return [];
  throw error;
}

/** The newest of equal sources stays. */
function unique(rows: readonly Row[]): readonly Row[] {
  const newest = new Map(rows.map((row) => [row.source, row]));
  return rows.filter((row) => newest.get(row.source) === row);
}

function lastOf(rows: readonly Row[], count: number): readonly Row[] {
  return count === Infinity ? rows : count <= 0 ? [] : rows.slice(-count);
}

/**
 * `*` and `?` as in a shell: what the protocol calls a glob. In time proportional to both lengths at worst, which a regular expression with many
 * stars is not: this runs where the heartbeat does.
 */
function matchesGlob(text: string, glob: string): boolean {
  let at = 0;
  let inGlob = 0;
  let star = -1;
  let retry = 0;
  while (at < text.length) {
    if (glob[inGlob] === '*') {
      star = inGlob++;
      retry = at;
    } else if (glob[inGlob] === '?' || (inGlob < glob.length && glob[inGlob] === text[at])) {
      inGlob++;
      at++;
    } else if (star >= 0) {
      inGlob = star + 1;
      at = ++retry;
    } else return false;
  }
  while (glob[inGlob] === '*') inGlob++;
  return inGlob === glob.length;
}
