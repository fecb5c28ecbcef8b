// One connection of the user's own `ssh` for all commands (ControlMaster): who was let in once, by whatever it took, is not asked again. Where the user's
// config shares connections itself, that is left to it.
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { TransportError, messageOf } from '../protocol/errors';
import { privateDirectory } from '../protocol/platform';
import { AdmissionError, stepOf } from './admission-error';
import type { Ask } from './ask';
import { Askpass } from './askpass';
import { Tail } from './host';

export interface MasterOptions {
  readonly host: string;
  /** As `-F` has it. */
  readonly configPath?: string;
  readonly ask: Ask;
}

/** A person who answers has as long. */
const ADMIT_MS = 300_000;
const ASK_MS = 20_000;
/** Without commands it ends by itself: also when we were killed. */
const PERSIST_SECONDS = 60;
const HERE =
  /^(?:permission denied|host key verification failed|no supported authentication|bad configuration|could not resolve)/im;

/** For every ssh of ours: none of what a login in a terminal is for. */
const ALWAYS = { ClearAllForwardings: 'yes', PermitLocalCommand: 'no', RemoteCommand: 'none', ForwardX11: 'no' };
/** A lost line is noticed also where the config does not ask for that. */
const ALIVE = { ServerAliveInterval: '15', ServerAliveCountMax: '3' };
const REACH = { ConnectTimeout: '20' };

export function toOptions(options: Readonly<Record<string, string>>): string[] {
  return Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

/** What the user's config says, as far as it matters here. */
interface Looked {
  /** It shares connections itself. */
  readonly isShared: boolean;
  /** It refuses unknown hosts without a question. */
  readonly isStrict: boolean;
  readonly own: readonly string[];
}

export class Master {
  readonly #options: MasterOptions;
  readonly #path: string;
  #opening: Promise<void> | undefined;
  #isOwn = false;

  constructor(options: MasterOptions) {
    this.#options = options;
    const directory = join(process.env['XDG_RUNTIME_DIR'] || tmpdir(), `cellburst-ssh-${process.getuid?.() ?? 0}`);
    privateDirectory(directory);
    this.#path = join(directory, randomBytes(6).toString('hex'));
  }

  /** Arguments for a command over the shared connection, which is there when this returns. Throws TransportError. */
  async share(signal: AbortSignal): Promise<readonly string[]> {
    const looked = await this.#look(signal);
    const { isShared, own } = looked;
    const place = isShared ? [] : ['-S', this.#path];
    if (!(isShared ? await this.#isUp(signal) : existsSync(this.#path))) {
      // Several that come at once are one question.
      this.#opening ??= this.#open(place, looked, signal).finally(() => (this.#opening = undefined));
      await this.#opening;
    }
    return [...own, ...place, ...toOptions({ ControlMaster: 'no', BatchMode: 'yes' })];
  }

  async close(): Promise<void> {
    if (!this.#isOwn || !existsSync(this.#path)) return;
    try {
      await promisify(execFile)('ssh', [...this.#config(), '-S', this.#path, '-O', 'exit', '--', this.#options.host], {
        timeout: ASK_MS,
      });
    } catch {
      // It ended meanwhile, or will by itself.
    }
  }

  #config(): string[] {
    const { configPath } = this.#options;
    return configPath === undefined ? [] : ['-F', configPath];
  }

  async #look(signal: AbortSignal): Promise<Looked> {
    const args = [...this.#config(), '-G', '--', this.#options.host];
    let stdout: string;
    try {
      ({ stdout } = await promisify(execFile)('ssh', args, { timeout: ASK_MS, signal }));
    } catch (cause) {
      throw new TransportError(`Cannot reach ${this.#options.host}: \`ssh -G\` failed: ${messageOf(cause)}`, { cause });
    }
    const says = (name: string) => new RegExp(`^${name} (.*)$`, 'm').exec(stdout)?.[1] ?? '';
    const isSet = (name: string) => !['', 'none', '0'].includes(says(name));
    return {
      isShared: isSet('controlpath'),
      isStrict: ['true', 'yes'].includes(says('stricthostkeychecking')),
      own: [
        '-T',
        ...toOptions({
          ...ALWAYS,
          ...(isSet('serveraliveinterval') ? {} : ALIVE),
          ...(isSet('connecttimeout') ? {} : REACH),
        }),
      ],
    };
  }

  /** The master of the user's own. */
  async #isUp(signal: AbortSignal): Promise<boolean> {
    const args = [...this.#config(), '-O', 'check', '--', this.#options.host];
    try {
      await promisify(execFile)('ssh', args, { timeout: ASK_MS, signal });
      return true;
    } catch {
      // Not there, or gone: that is the question.
      return false;
    }
  }

  async #open(place: readonly string[], { own, isStrict }: Looked, signal: AbortSignal): Promise<void> {
    const { host, ask } = this.#options;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(ADMIT_MS)]);
    const givingUp = new AbortController();
    const stop = AbortSignal.any([limit, givingUp.signal]);
    await using askpass = await Askpass.open(`${this.#path}.ask`, host, ask, limit, () => {
      givingUp.abort();
    });
    const args = [
      ...this.#config(),
      ...own,
      ...['-f', '-N', ...place, ...toOptions({ ControlMaster: 'yes', ControlPersist: `${PERSIST_SECONDS}` })],
      // Whatever the config says: an unknown host is for a person to judge.
      ...(isStrict ? [] : toOptions({ StrictHostKeyChecking: 'ask' })),
      ...['--', host],
    ];
    const child = spawn('ssh', args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
      signal: stop,
      env: { ...process.env, ...askpass.environment },
    });
    this.#isOwn = place.length > 0;
    const tail = new Tail();
    child.stderr.on('data', (piece: Buffer) => tail.push(piece));
    // The master goes to the background, with our pipe, when it has been let in: it is not waited for.
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', (cause) => {
        if (stop.aborted) resolve(null);
        else reject(new TransportError(`Cannot reach ${host}: ssh cannot be started: ${cause.message}`, { cause }));
      });
      child.once('exit', resolve);
    });
    child.stderr.destroy();
    if (code !== 0) throw this.#toError(askpass.unanswered, tail.text);
  }

  #toError(unanswered: string | undefined, said: string): TransportError {
    const { host } = this.#options;
    if (unanswered !== undefined)
      return new AdmissionError(
        /\(yes\/no/.test(unanswered) ? 'host key' : 'login',
        `${host} asks ${JSON.stringify(unanswered)}, and nobody answered. Run a cell on this cluster, or attach to one of its jobs, and answer there.`,
      );
    const isHere = HERE.test(said) || /: Permission denied \(/.test(said);
    const step = stepOf(said);
    if (step !== 'reach') return new AdmissionError(step, `Cannot reach ${host} over SSH: ${said}`);
    return new TransportError(`Cannot reach ${host} over SSH: ${said || 'ssh ended without a word'}`, {
      transient: !isHere,
    });
  }
}
