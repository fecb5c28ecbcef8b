// What the files of an SSH client say of a host, as ssh_config(5) reads them: the first value counts, `Host` and `Match` open sections, `Include` stands for
// other files within its section, and `Match final` asks for a second reading. The grammar of lines is the library's.
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import picomatch from 'picomatch';
import SSHConfig from 'ssh-config';
import { UsageError, messageOf } from '../protocol/errors';
import { matchesHost, matchesPatterns } from './patterns';
import { expandHome, expandTokens, type TokenValues } from './tokens';

/** Words by lower-case keyword. Commands are one word, as they are written. */
export type HostWords = ReadonlyMap<string, readonly string[]>;

/** Runs a command of `Match exec`: did it end with 0? */
export type Decide = (command: string) => Promise<boolean>;

/** Who is reached: as it is named, and what was said with the name. */
export interface Target {
  readonly alias: string;
  readonly user: string | undefined;
  readonly port: number | undefined;
}

const SYSTEM_CONFIG = '/etc/ssh/ssh_config';
const DEEPEST_INCLUDE = 16;
const COMMANDS = /^(\s*(?:ProxyCommand|KnownHostsCommand|LocalCommand|RemoteCommand)(?:\s*=\s*|\s+))(.*)$/gim;
/** Given several times they are a list; of all others the first one counts. */
const REPEATED = new Set(['identityfile', 'certificatefile', 'sendenv', 'setenv']);

interface SourceFile {
  readonly path: string;
  /** Where relative names in it are below. */
  readonly base: string;
  /** Others must not be able to write it: it can name commands. ssh(1) asks that of ~/.ssh/config, and not of a file that `-F` names. */
  readonly isGuarded: boolean;
}

/** `path`: an own file, as `ssh -F` has it (`none`: no file at all); else the user's and the system's. Throws UsageError with the file for what cannot be read. */
export async function lookUpHost(
  target: Target,
  path: string | undefined,
  decide: Decide,
  home = homedir(),
): Promise<HostWords> {
  const reading = new Reading(target, decide);
  const files = filesFor(path, home);
  for (const file of files) await reading.readFile(file, true, 0);
  if (reading.wantsFinal) {
    reading.beginFinal();
    for (const file of files) await reading.readFile(file, true, 0);
  }
  return reading.words;
}

function filesFor(path: string | undefined, home: string): SourceFile[] {
  const base = join(home, '.ssh');
  if (path === 'none') return [];
  if (path !== undefined) return [{ path: expandHome(path), base, isGuarded: false }];
  return [
    { path: join(base, 'config'), base, isGuarded: true },
    { path: SYSTEM_CONFIG, base: '/etc/ssh', isGuarded: false },
  ];
}

class Reading {
  readonly words = new Map<string, string[]>();
  wantsFinal = false;
  readonly #target: Target;
  readonly #decide: Decide;
  /** What Host sections are compared with. */
  #host: string;
  #isFinal = false;

  constructor(target: Target, decide: Decide) {
    this.#target = target;
    this.#host = target.alias;
    this.#decide = decide;
    if (target.user !== undefined) this.words.set('user', [target.user]);
    if (target.port !== undefined) this.words.set('port', [String(target.port)]);
  }

  beginFinal(): void {
    this.#isFinal = true;
    this.#host = this.#hostName();
  }

  async readFile(file: SourceFile, isActive: boolean, depth: number): Promise<void> {
    if (depth > DEEPEST_INCLUDE) throw new UsageError(`The SSH config includes itself: ${file.path}.`);
    if (!existsSync(file.path)) return;
    if (file.isGuarded) refuseWritable(file.path);
    const { lines, commands } = parse(file.path);
    let isHit = isActive;
    for (const { keyword, words } of flatten(lines)) {
      // A file may open sections of its own; where it is not included they are not.
      if (keyword === 'host') isHit = isActive && matchesPatterns(words, this.#host);
      else if (keyword === 'match') isHit = isActive && (await this.#matches(words, file.path));
      else if (keyword === 'include')
        for (const path of words.flatMap((word) => filesOf(word, file.base)))
          await this.readFile({ ...file, path }, isHit, depth + 1);
      else if (isHit)
        this.#take(keyword, keyword.endsWith('command') ? words.map((word) => commands.get(word) ?? word) : words);
    }
  }

  #take(keyword: string, words: readonly string[]): void {
    const known = this.words.get(keyword);
    if (REPEATED.has(keyword)) {
      // The second reading finds the same again.
      this.words.set(keyword, [...new Set([...(known ?? []), ...words])]);
    } else if (known === undefined && !this.#isRuledOut(keyword)) this.words.set(keyword, [...words]);
  }

  /** Of the two ways through others the one that is named first counts. */
  #isRuledOut(keyword: string): boolean {
    return (
      (keyword === 'proxyjump' && this.words.has('proxycommand')) ||
      (keyword === 'proxycommand' && this.words.has('proxyjump'))
    );
  }

  #hostName(): string {
    const { alias } = this.#target;
    return (this.words.get('hostname')?.[0] ?? alias).replaceAll('%h', alias).replaceAll('%%', '%').toLowerCase();
  }

  /** All criteria of a Match line have to hold. A command is run only when those before it do. */
  async #matches(words: readonly string[], path: string): Promise<boolean> {
    const left = [...words];
    let holds = left.length > 0;
    for (let word = left.shift(); word !== undefined; word = left.shift()) {
      const isNegated = word.startsWith('!');
      const criterion = (isNegated ? word.slice(1) : word).toLowerCase();
      const value = ALONE.has(criterion) ? '' : left.shift();
      if (value === undefined) throw new UsageError(`${path}: Match ${word} needs a value.`);
      if (criterion === 'final') this.wantsFinal = true;
      if (criterion === 'exec' && !holds) continue;
      if ((await this.#holds(criterion, value, path)) === isNegated) holds = false;
    }
    return holds;
  }

  async #holds(criterion: string, value: string, path: string): Promise<boolean> {
    const { alias } = this.#target;
    const own = userInfo().username;
    const patterns = value.split(',');
    switch (criterion) {
      case 'all':
        return true;
      case 'final':
        return this.#isFinal;
      case 'canonical':
        // Names are not made canonical here; see `refuseUnknown` of the settings.
        return false;
      case 'host':
        return matchesHost(patterns, this.#hostName());
      case 'originalhost':
        return matchesHost(patterns, alias);
      case 'user':
        return matchesPatterns(patterns, this.words.get('user')?.[0] ?? own);
      case 'localuser':
        return matchesPatterns(patterns, own);
      case 'tagged':
        return matchesPatterns(patterns, this.words.get('tag')?.[0] ?? '');
      case 'exec':
        return await this.#decide(expandTokens(value, this.#tokens()));
      default:
        throw new UsageError(
          `${path}: "Match ${criterion}" is not known to the ssh2 transport. Set \`transport: openssh\` for this cluster.`,
        );
    }
  }

  #tokens(): TokenValues {
    const first = (keyword: string) => this.words.get(keyword)?.[0];
    return {
      alias: this.#target.alias,
      host: this.#hostName(),
      port: Number(first('port') ?? 22),
      user: first('user') ?? userInfo().username,
      keyAlias: first('hostkeyalias'),
      jump: first('proxyjump') ?? '',
    };
  }
}

/** Criteria that no word follows. */
const ALONE = new Set(['all', 'final', 'canonical']);

interface ConfigLine {
  readonly keyword: string;
  readonly words: readonly string[];
}

/** Sections and what is in them, one after the other. */
function flatten(lines: SSHConfig): ConfigLine[] {
  return lines.flatMap((line): ConfigLine[] => {
    if (!('param' in line) || line.param === '') return [];
    const keyword = line.param.toLowerCase();
    const words = typeof line.value === 'string' ? [line.value] : line.value.map(({ val }) => val);
    const own = { keyword, words };
    return 'config' in line ? [own, ...flatten(line.config)] : [own];
  });
}

/** The library takes commands apart at blanks and quotes, but they are for a shell: it gets words in their stead. */
function parse(path: string): { readonly lines: SSHConfig; readonly commands: ReadonlyMap<string, string> } {
  const commands = new Map<string, string>();
  try {
    const text = readFileSync(path, 'utf8').replaceAll(COMMANDS, (_, keyword: string, command: string) => {
      const word = `command-${commands.size + 1}`;
      commands.set(word, command.trim());
      return keyword + word;
    });
    return { lines: SSHConfig.parse(text), commands };
  } catch (cause) {
    throw new UsageError(`Cannot read the SSH config ${path}: ${messageOf(cause)}`, { cause });
  }
}

function refuseWritable(path: string): void {
  const { uid, mode } = statSync(path);
  const own = process.getuid?.();
  if (own === undefined || ([own, 0].includes(uid) && (mode & 0o022) === 0)) return;
  throw new UsageError(
    `${path} could be written by others, and it can name commands: it is not used, as \`ssh\` would not. chmod go-w ${path}, and own it.`,
  );
}

/** What a name of Include stands for, in order. */
function filesOf(name: string, base: string): readonly string[] {
  const home = expandHome(name);
  const path = isAbsolute(home) ? home : resolve(base, home);
  const [, ...parts] = path.split('/');
  return parts.reduce(
    (found, part) =>
      found.flatMap((folder) => {
        if (!/[*?[]/.test(part)) return [`${folder}/${part}`];
        const isWanted = picomatch(part);
        const entries = existsSync(folder || '/') ? readdirSync(folder || '/') : [];
        return entries
          .filter((entry) => isWanted(entry))
          .sort()
          .map((entry) => `${folder}/${entry}`);
      }),
    [''],
  );
}
