// Our programs on a host: in a folder of the user's cache that their digest names, put there once, checked, and never over running ones.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { commandLine } from './shell';

const PROGRAMS = ['agent.js', 'runner.js', 'cell.js', 'pmap.js', 'thread.js'] as const;

interface ProgramFile {
  readonly name: string;
  readonly bytes: Buffer;
}

export interface Programs {
  readonly digest: string;
  readonly files: readonly ProgramFile[];
}

/** What an agent needs to live on another machine: the built programs, and the package.json that tells their version. */
export function readPrograms(directory: string): Programs {
  const files: ProgramFile[] = PROGRAMS.map((name) => ({ name, bytes: readFileSync(join(directory, name)) }));
  files.push({ name: 'package.json', bytes: readFileSync(join(dirname(directory), 'package.json')) });
  const hash = createHash('sha256');
  for (const { name, bytes } of files) hash.update(`${name}:${bytes.length}\n`).update(bytes);
  return { digest: hash.digest('hex').slice(0, 32), files };
}

export interface HostSettings {
  /** Node on the host. */
  readonly node: string;
  /** Where the host's agent keeps its jobs; undefined: where it likes. */
  readonly store: string | undefined;
  /** The user's own lines, before the agent starts. */
  readonly setup: readonly string[];
}

const FOLDER = '"${XDG_CACHE_HOME:-$HOME/.cache}"/cellburst/programs/';

/** Random words of one attempt: what the agent prints first, or what is printed in its stead when something has to be done first. */
export interface Words {
  readonly agent: string;
  readonly programs: string;
  readonly node: string;
}

/** A command that becomes the way to the host's agent, and begins with the marker; or says that something is missing. */
export function agentCommand({ digest }: Programs, { node, store, setup }: HostSettings, words: Words): string {
  const program = `${FOLDER}${digest}/agent.js`;
  const say = (word: string) => commandLine(['printf', '%s\\n', word]);
  return shell([
    ...setup,
    ...(store === undefined ? [] : [`export CELLBURST_STATE_DIR=${expandHome(store)}`]),
    `command -v ${commandLine([node])} >/dev/null 2>&1 || { ${say(words.node)}; exit 0; }`,
    `[ -f ${program} ] || { ${say(words.programs)}; exit 0; }`,
    `exec ${commandLine([node])} ${program} --bridge ${commandLine([words.agent])}`,
  ]);
}

/** Reads what `toParcel` made from standard input, and has it in place, or ends with a code other than 0. */
export function installCommand({ digest }: Programs, { node, setup }: HostSettings): string {
  return shell([...setup, `exec ${commandLine([node, '-e', UNPACK])} ${FOLDER} ${commandLine([digest])}`]);
}

export function toParcel({ files }: Programs): Buffer {
  const list = files.map(({ name, bytes }) => ({ name, size: bytes.length, sha256: sha256(bytes) }));
  return Buffer.concat([Buffer.from(`${JSON.stringify(list)}\n`), ...files.map(({ bytes }) => bytes)]);
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** `~/x` is the host's home, and all else is as it is. */
function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? `"$HOME"${commandLine([path.slice(1) || '/'])}` : commandLine([path]);
}

/** Whatever the login shell is: one that takes single quotes runs sh. */
export function shell(lines: readonly string[]): string {
  return `exec ${commandLine(['sh', '-c', lines.join('\n')])}`;
}

/** Runs on the host, in Node 18 or later. A folder that is there already is somebody's who was quicker, with the same content. */
const UNPACK = `
const { createHash } = require('node:crypto'), fs = require('node:fs'), { join } = require('node:path');
const [folder, digest] = process.argv.slice(1);
const all = fs.readFileSync(0), line = all.indexOf(10);
let at = line + 1;
fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
const part = fs.mkdtempSync(join(folder, '.part-'));
for (const { name, size, sha256 } of JSON.parse(all.subarray(0, line))) {
  const bytes = all.subarray(at, at += size);
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) throw new Error(name + ' arrived damaged');
  fs.writeFileSync(join(part, name), bytes, { mode: 0o600 });
}
try { fs.renameSync(part, join(folder, digest)); }
catch (error) {
  fs.rmSync(part, { recursive: true });
  if (!fs.existsSync(join(folder, digest, 'agent.js'))) throw error;
}
`.trim();
