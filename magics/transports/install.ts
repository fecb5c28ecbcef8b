// Our programs on a host: in a folder of the user's cache that their digest names, put there once, checked, and never over running ones.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { OLDEST_NODE, type NodeProgram } from './node-program';
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
  /** Node on the host, by the user's config; undefined: the one on its PATH, or one that is brought. */
  readonly node: string | undefined;
  /** Where the host's agent keeps its jobs; undefined: where it likes. */
  readonly store: string | undefined;
  /** The user's own lines, before the agent starts. */
  readonly setup: readonly string[];
  /** It ends with its connection, or stays for the next one. */
  readonly agent: 'detached' | 'connection';
}

const CACHE = '"${XDG_CACHE_HOME:-$HOME/.cache}"/cellburst/';
const FOLDER = `${CACHE}programs/`;
const NODES = `${CACHE}node/`;

/** Random words of one attempt: what the agent prints first, or what is printed in its stead when something has to be done first. */
export interface Words {
  readonly agent: string;
  /** Before that: where its socket is, for who can reach it without a process in between. */
  readonly socket: string;
  readonly programs: string;
  readonly node: string;
}

/** A command that becomes the way to the host's agent, and begins with the marker; or says that something is missing. */
export function agentCommand(
  { digest }: Programs,
  { node, store, setup, agent }: HostSettings,
  words: Words,
  brought: NodeProgram | undefined,
): string {
  const program = `${FOLDER}${digest}/agent.js`;
  const say = (word: string) => commandLine(['printf', '%s\\n', word]);
  return shell([
    ...setup,
    ...(store === undefined ? [] : [`export CELLBURST_STATE_DIR=${expandHome(store)}`]),
    ...findNodeLines(node, brought),
    `[ -n "$CELLBURST_NODE" ] || { printf '%s %s %s %s\\n' ${commandLine([words.node])} "$(uname -s)" "$(uname -m)" "$(getconf GNU_LIBC_VERSION 2>/dev/null || echo unknown)"; exit 0; }`,
    `[ -f ${program} ] || { ${say(words.programs)}; exit 0; }`,
    `exec "$CELLBURST_NODE" ${program} --bridge ${commandLine([words.agent, '--socket', words.socket])}${agent === 'connection' ? ' --bound' : ''}`,
  ]);
}

/** Sets CELLBURST_NODE to the program, or to nothing. Standard input is the agent's: what is only tried must not read it. */
function findNodeLines(node: string | undefined, brought: NodeProgram | undefined): string[] {
  if (brought !== undefined) {
    const folder = `${NODES}${brought.sha256}/bin`;
    // First on PATH: what jobs start by name is the same Node.
    return [`CELLBURST_NODE=${folder}/node; PATH=${folder}:$PATH; [ -x "$CELLBURST_NODE" ] || CELLBURST_NODE=`];
  }
  const isNew = `process.exit(parseInt(process.versions.node) < ${OLDEST_NODE} ? 1 : 0)`;
  const name = commandLine([node ?? 'node']);
  return [
    `CELLBURST_NODE=$(command -v ${name} 2>/dev/null)`,
    `[ -z "$CELLBURST_NODE" ] || "$CELLBURST_NODE" -e ${commandLine([isNew])} </dev/null >/dev/null 2>&1 || CELLBURST_NODE=`,
  ];
}

/** Reads what `toParcel` made from standard input, and has it in place, or ends with a code other than 0. */
export function installCommand(
  { digest }: Programs,
  { node, setup }: HostSettings,
  brought: NodeProgram | undefined,
): string {
  return shell([
    ...setup,
    ...findNodeLines(node, brought),
    // In the words of mkdir: Node says "no such file" of a place that is mounted read-only.
    `(umask 077; mkdir -p ${FOLDER}) || exit 1`,
    `exec "$CELLBURST_NODE" ${commandLine(['-e', UNPACK])} ${FOLDER} ${commandLine([digest])}`,
  ]);
}

/** Reads a compressed Node program from standard input. It runs there and finds its own digest to be right before it is in place. */
export function installNodeCommand({ sha256 }: NodeProgram, { setup }: HostSettings): string {
  const check =
    "const h = require('crypto').createHash('sha256').update(require('fs').readFileSync(process.execPath)).digest('hex');" +
    "if (h !== process.argv[1]) { console.error('it arrived damaged'); process.exit(1); }";
  return shell([
    ...setup,
    'set -e; umask 077',
    `nodes=${NODES}; mkdir -p "$nodes"`,
    'part="$nodes.part-$$"; rm -rf "$part"; mkdir -p "$part/bin"',
    `trap 'rm -rf "$part"' EXIT`,
    'gzip -dc >"$part/bin/node"; chmod 700 "$part/bin/node"',
    `"$part/bin/node" ${commandLine(['-e', check, sha256])} </dev/null`,
    `[ -d "$nodes"${sha256} ] || mv "$part" "$nodes"${sha256}`,
  ]);
}

/** The last two lines are of `df -Pk` and `df -Pi` for where our programs are put. */
export function measureCommand({ setup }: HostSettings): string {
  const place = '"${XDG_CACHE_HOME:-$HOME/.cache}"';
  return shell([...setup, `mkdir -p ${CACHE}; df -Pk ${place} | tail -n 1; df -Pi ${place} | tail -n 1`]);
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
