// `%cluster fs VERB …` and `cellburst fs VERB …`: one table of verbs for both, each from words to something that is shown.
import { TextDecoder } from 'node:util';
import type { AgentConnection } from './client';
import { toPlace } from './cluster-files';
import { didYouMean } from './config/nearest';
import { showBytes } from './config/quantities';
import { UsageError } from './protocol/errors';
import type { Listed } from './protocol/job-files';
import { showTable, showText, type Shown } from './show';
import { getPlace, putPlace, type Transferred, type TransferSetting } from './transfer';
import { twoColumns } from './two-columns';

export interface FsSetting {
  readonly agent: AgentConnection;
  /** Absolute: where relative paths of this machine begin. */
  readonly directory: string;
  readonly signal: AbortSignal;
  /** Text of a file, as it comes. */
  readonly print: (text: string) => void;
  /** How far long work has come, in words, and from 0 to 1 where that can be told. */
  readonly progress: (words: string, share?: number) => void;
}

interface FsCall extends FsSetting {
  readonly names: readonly string[];
  readonly recursive: boolean;
  readonly force: boolean;
}

export interface FsVerb {
  readonly usage: string;
  readonly help: string;
  /** What its words name, in order. */
  readonly takes: readonly ('place' | 'here')[];
  /** How many of them have to be there. */
  readonly needs: number;
  run(call: FsCall): Promise<Shown | undefined>;
}

export const FS_VERBS: Readonly<Record<string, FsVerb>> = {
  ls: {
    usage: 'ls [-r] NAME:PATH',
    help: 'Lists a folder, or what a pattern matches; -r goes into folders.',
    takes: ['place'],
    needs: 1,
    run: listPlace,
  },
  cat: {
    usage: 'cat NAME:PATH',
    help: 'Shows the text of a file.',
    takes: ['place'],
    needs: 1,
    run: printPlace,
  },
  get: {
    usage: 'get [-r] [-f] NAME:PATH [HERE]',
    help: 'Brings a file here, or what a pattern matches; -r folders with all in them. -f replaces files that are here already.',
    takes: ['place', 'here'],
    needs: 1,
    run: async (call) => {
      const [name = '', to] = call.names;
      return toldTransfer(await getPlace(name, to, call, toTransfer(call)), 'here');
    },
  },
  put: {
    usage: 'put [-r] [-f] HERE NAME:PATH',
    help: 'Sends a file there, or what a pattern matches; -r folders with all in them. -f replaces files that are there already.',
    takes: ['here', 'place'],
    needs: 2,
    run: async (call) => {
      const [from = '', name = ''] = call.names;
      return toldTransfer(await putPlace(from, name, call, toTransfer(call)), 'there');
    },
  },
  rm: {
    usage: 'rm [-r] NAME:PATH',
    help: 'Removes a file, or the files that a pattern matches; -r removes folders with all in them. There is no undo.',
    takes: ['place'],
    needs: 1,
    run: removePlace,
  },
  du: {
    usage: 'du NAME:PATH',
    help: 'Tells how much lies below a path.',
    takes: ['place'],
    needs: 1,
    run: measurePlace,
  },
  df: {
    usage: 'df NAME:PATH',
    help: 'Tells how much room there is on the file system of a path.',
    takes: ['place'],
    needs: 1,
    run: showRoom,
  },
};

export function fsHelp(prefix: string): string {
  return [
    ...twoColumns(Object.values(FS_VERBS).map(({ usage, help }) => [`  ${prefix} ${usage}`, help])),
    '',
    'NAME is a cluster (local is this machine). Relative paths begin from the home directory there. Quote what has blanks; *, ** and ? are read there.',
  ].join('\n');
}

/** Words as typed behind `fs`. Throws UsageError for what cannot be understood. */
export async function runFs(words: readonly string[], setting: FsSetting, prefix: string): Promise<Shown | undefined> {
  const [word, ...rest] = words;
  if (word === undefined || word === 'help' || word === '--help') return showText(fsHelp(prefix));
  const verb = Object.hasOwn(FS_VERBS, word) ? FS_VERBS[word] : undefined;
  if (verb === undefined)
    throw new UsageError(
      `${prefix} has no verb ${JSON.stringify(word)}.${didYouMean(word, Object.keys(FS_VERBS))}\n${fsHelp(prefix)}`,
    );
  const { names, flags } = splitFlags(rest, verb, prefix);
  if (names.length < verb.needs) throw new UsageError(`${prefix} ${verb.usage}: something is missing.`);
  if (names.length > verb.takes.length)
    throw new UsageError(`${prefix} ${verb.usage}: ${JSON.stringify(names[verb.takes.length])} is one too many.`);
  return await verb.run({ ...setting, names, recursive: flags.has('r'), force: flags.has('f') });
}

const FLAGS: Readonly<Record<string, 'r' | 'f'>> = {
  '-r': 'r',
  '-R': 'r',
  '--recursive': 'r',
  '-f': 'f',
  '--force': 'f',
};

function splitFlags(words: readonly string[], verb: FsVerb, prefix: string) {
  const names: string[] = [];
  const flags = new Set<'r' | 'f'>();
  for (const word of words) {
    const flag = Object.hasOwn(FLAGS, word) ? FLAGS[word] : undefined;
    const isFlag = /^-./.test(word);
    if (isFlag && (flag === undefined || !verb.usage.includes(`[-${flag}]`)))
      throw new UsageError(`${prefix} ${verb.usage}: there is no option ${word}.`);
    if (flag === undefined) names.push(word);
    else flags.add(flag);
  }
  return { names, flags };
}

function toTransfer(call: FsCall): TransferSetting {
  return {
    ...call,
    progress: (news) => {
      if (news.kind === 'read') {
        call.progress(`looked at ${showBytes(news.bytes)}`);
        return;
      }
      const how = news.kind === 'copied' ? 'putting together what was there already: ' : '';
      const share = news.of === 0 ? 1 : news.bytes / news.of;
      call.progress(`${how}${showBytes(news.bytes)} of ${showBytes(news.of)}`, share);
    },
  };
}

function toldTransfer(value: Transferred, where: 'here' | 'there'): Shown {
  const { files, bytes, sentBytes, path, left } = value;
  const stayed = left.map(({ path: name, reason }) => `\nLeft out: ${name} (${reason}).`).join('');
  const sent = sentBytes < bytes ? ` ${showBytes(sentBytes)} had to be sent.` : '';
  const text = `${count(files, 'file', 'files')}, ${showBytes(bytes)}, ${files === 1 ? 'is' : 'are'} ${where} now: ${path}.${sent}${stayed}`;
  return { ...showText(text), value };
}

const MOST_ROWS = 2000;

async function listPlace(call: FsCall): Promise<Shown> {
  const { agent, names, recursive, signal } = call;
  const entries: Listed[] = [];
  let root = '';
  for await (const piece of agent.files.list(toPlace(names[0] ?? '', call), { recursive, signal })) {
    root = piece.root;
    entries.push(...piece.entries);
    call.progress(`${entries.length} so far`);
  }
  const value = { root, entries };
  if (entries.length === 0) return { ...showText(`${root} is empty.`), value };
  const rows = entries
    .slice(0, MOST_ROWS)
    .map((entry) => [
      modeText(entry),
      entry.kind === 'file' ? showBytes(entry.size) : '',
      when(entry),
      nameText(entry),
    ]);
  const more = entries.length > MOST_ROWS ? `… and ${entries.length - MOST_ROWS} more` : '';
  const bytes = entries.reduce((sum, { kind, size }) => sum + (kind === 'file' ? size : 0), 0);
  const sum = `${count(entries.length, 'entry', 'entries')}, ${showBytes(bytes)}`;
  const table = showTable(
    ['mode', 'size', 'changed', 'name'],
    rows,
    `${root}:`,
    more === '' ? sum : `${more} (${sum})`,
  );
  return { ...table, value };
}

function modeText({ kind, mode }: Listed): string {
  const letters = Array.from('rwxrwxrwx', (letter, bit) => ((mode >> (8 - bit)) & 1 ? letter : '-')).join('');
  return `${{ file: '-', folder: 'd', link: 'l', other: '?' }[kind]}${letters}`;
}

/** Of this machine's time zone, to the minute. */
function when({ modifiedAt }: Listed): string {
  const date = new Date(modifiedAt);
  const two = (part: number): string => String(part).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

function nameText({ kind, path, target }: Listed): string {
  // A line break in a name must not look like another entry.
  const name = /[\u0000-\u001f\u007f]/.test(path) ? JSON.stringify(path) : path; // eslint-disable-line no-control-regex
  if (kind === 'folder') return `${name}/`;
  return kind === 'link' ? `${name} -> ${target ?? ''}` : name;
}

function count(n: number, one: string, many: string): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** More text than anybody reads in a notebook. */
const MOST_TEXT_BYTES = 1_000_000;

async function printPlace(call: FsCall): Promise<Shown | undefined> {
  const { agent, names, signal, print } = call;
  const place = toPlace(names[0] ?? '', call);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let total = 0;
  let told = 0;
  for await (const piece of agent.files.read(place, { bytes: MOST_TEXT_BYTES, signal })) {
    total = piece.total;
    told += piece.bytes.length;
    print(decodeText(decoder, piece.bytes, names[0] ?? '', total));
  }
  if (told >= total) return undefined;
  return showText(`… ${showBytes(total - told)} more. The whole file: fs get ${names[0] ?? ''}`);
}

function decodeText(decoder: TextDecoder, bytes: Buffer, name: string, total: number): string {
  try {
    if (!bytes.includes(0)) return decoder.decode(bytes, { stream: true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  throw new UsageError(`${name} is no text (${showBytes(total)}). To have it here: fs get ${name}`);
}

async function removePlace(call: FsCall): Promise<Shown> {
  const { agent, names, recursive, signal } = call;
  let gone = { files: 0, folders: 0, bytes: 0 };
  for await (const news of agent.files.remove(toPlace(names[0] ?? '', call), { recursive, signal })) {
    gone = news;
    call.progress(`removed ${count(gone.files, 'file', 'files')}`);
  }
  const folders = gone.folders === 0 ? '' : ` and ${count(gone.folders, 'folder', 'folders')}`;
  const text = `Removed ${count(gone.files, 'file', 'files')}${folders}, ${showBytes(gone.bytes)}.`;
  return { ...showText(text), value: gone };
}

async function measurePlace(call: FsCall): Promise<Shown> {
  const { agent, names, signal } = call;
  let sum = { root: '', files: 0, folders: 0, bytes: 0, diskBytes: 0 };
  for await (const news of agent.files.usage(toPlace(names[0] ?? '', call), signal)) {
    sum = news;
    call.progress(`${count(sum.files, 'file', 'files')}, ${showBytes(sum.bytes)} so far`);
  }
  const row = [showBytes(sum.bytes), showBytes(sum.diskBytes), String(sum.files), String(sum.folders), sum.root];
  return { ...showTable(['size', 'on disk', 'files', 'folders', 'path'], [row]), value: sum };
}

async function showRoom(call: FsCall): Promise<Shown> {
  const room = await call.agent.files.space(toPlace(call.names[0] ?? '', call));
  const used = room.totalBytes === 0 ? 0 : 1 - room.availableBytes / room.totalBytes;
  const files = room.totalFiles === 0 ? 'not counted' : `${room.availableFiles} of ${room.totalFiles}`;
  const row = [
    showBytes(room.totalBytes),
    showBytes(room.availableBytes),
    `${Math.round(used * 100)} %`,
    files,
    room.path,
  ];
  return { ...showTable(['size', 'available', 'used', 'files left', 'path'], [row]), value: room };
}
