// How a host lets us in: what needs no person first, then what does. Each way is tried once; a person's answers are used and forgotten.
import type { AnyAuthMethod, BaseAgent } from 'ssh2';
import { existsSync, readFileSync } from 'node:fs';
import { TransportError, messageOf } from '../protocol/errors';
import { AdmissionError } from './admission-error';
import { orderKeys, publicKeyOf, type ParseKey } from './agent-keys';
import type { Ask } from './ask';
import type { Method, SshSettings } from './ssh-settings';

/** What of the package is needed here, which is loaded elsewhere. */
export interface Keys {
  readonly parseKey: ParseKey;
  readonly openAgent: (path: string) => BaseAgent;
}

/** A method, and the server's word for it. */
interface Way {
  readonly method: Method | 'none';
  /** For people. */
  readonly title: string;
  /** undefined: it does not come to that. */
  readonly take: () => Promise<AnyAuthMethod | undefined>;
}

const PASSPHRASE_TRIES = 3;

export class Admission {
  /** What has been tried, for people. */
  readonly tried: string[] = [];
  readonly #settings: SshSettings;
  readonly #ask: Ask;
  readonly #keys: Keys;
  readonly #signal: AbortSignal;
  readonly #ways: Way[];
  /** Keys that the agent has shown: their files need not be. */
  #shown: readonly Buffer[] = [];
  #offered: readonly unknown[] = [];
  /** Called when a question of the server stays without an answer: the connection is to be given up, not to fail there. */
  unanswered: (error: TransportError) => void = () => undefined;

  constructor(settings: SshSettings, ask: Ask, keys: Keys, signal: AbortSignal) {
    this.#settings = settings;
    this.#ask = ask;
    this.#keys = keys;
    this.#signal = signal;
    this.#ways = this.#list();
  }

  /** The next way of those that the server would take (none listed: it has not said); undefined when there is none left. */
  async next(listed: unknown): Promise<AnyAuthMethod | undefined> {
    // Null the first time, whatever the package's types say.
    const left: readonly unknown[] | undefined = Array.isArray(listed) ? listed : undefined;
    if (left !== undefined) this.#offered = left;
    for (let way = this.#ways.shift(); way !== undefined; way = this.#ways.shift()) {
      if (left !== undefined && !left.includes(way.method)) continue;
      const method = await way.take();
      if (method === undefined) continue;
      if (way.method !== 'none') this.tried.push(way.title);
      return method;
    }
    return undefined;
  }

  /** What else there is, for people who were not let in. */
  get advice(): string {
    const { certificates, alias } = this.#settings;
    const [certificate] = certificates;
    const what =
      certificate !== undefined
        ? `the certificate ${certificate}`
        : this.#offered.includes('gssapi-with-mic')
          ? 'Kerberos (GSSAPI), which it offers'
          : undefined;
    return what === undefined
      ? `Is the key authorized there? \`ssh ${alias}\` in a terminal shows what it wants.`
      : `The ssh2 transport cannot use ${what}: set \`transport: openssh\` for this cluster.`;
  }

  #list(): Way[] {
    const { methods } = this.#settings;
    return this.#all().filter(({ method }) => method === 'none' || methods.has(method));
  }

  #all(): Way[] {
    const { user: username, agent, identityFiles } = this.#settings;
    const keys = identityFiles.map((path): Way => ({
      method: 'publickey',
      title: `the key ${path}`,
      take: () => this.#key(path),
    }));
    const ofAgent = agent === undefined ? [] : [this.#agentWay(agent)];
    return [
      // Asks which ways there are. A server lists them without "none" among them, so it is asked for only before there is a list.
      { method: 'none', title: 'nothing', take: () => Promise.resolve({ type: 'none', username }) },
      ...ofAgent,
      ...keys,
      { method: 'keyboard-interactive', title: 'the answers given', take: () => Promise.resolve(this.#interactive()) },
      { method: 'password', title: 'the password given', take: () => this.#password() },
    ];
  }

  #agentWay(path: string): Way {
    const { user: username } = this.#settings;
    const take = () => Promise.resolve({ type: 'agent' as const, username, agent: this.#openAgent(path) });
    return { method: 'publickey', title: 'the keys of the agent', take };
  }

  #openAgent(path: string): BaseAgent {
    const { identityFiles, onlyListed } = this.#settings;
    const named = identityFiles.flatMap((file) => publicKeyOf(file, this.#keys.parseKey) ?? []);
    return orderKeys(this.#keys.openAgent(path), named, onlyListed, (shown) => {
      this.#shown = shown;
    });
  }

  async #key(path: string): Promise<AnyAuthMethod | undefined> {
    const { user: username } = this.#settings;
    if (!existsSync(path)) return undefined;
    const { parseKey } = this.#keys;
    const half = publicKeyOf(path, parseKey);
    if (half !== undefined && this.#shown.some((key) => key.equals(half))) return undefined;
    const bytes = readFileSync(path);
    const plain = parseKey(bytes);
    // The public half alone means a key that an agent holds.
    if (!(plain instanceof Error))
      return plain.isPrivateKey() ? { type: 'publickey', username, key: bytes } : undefined;
    if (!/passphrase/i.test(plain.message))
      throw new TransportError(`Cannot use the key ${path}: ${plain.message}`, { cause: plain });
    for (let attempt = 1; attempt <= PASSPHRASE_TRIES; attempt++) {
      const text = `${attempt > 1 ? 'That was not it. ' : ''}Passphrase of the key ${path}:`;
      const passphrase = await this.#question(text, true);
      // Whoever does not want to give it may have another way.
      if (passphrase === undefined || passphrase === '') return undefined;
      if (!(parseKey(bytes, passphrase) instanceof Error))
        return { type: 'publickey', username, key: bytes, passphrase };
    }
    return undefined;
  }

  #interactive(): AnyAuthMethod {
    const { user: username } = this.#settings;
    return {
      type: 'keyboard-interactive',
      username,
      prompt: (_name, instructions, _language, prompts, finish) => {
        const answerAll = async (): Promise<string[]> => {
          const answers: string[] = [];
          for (const { prompt, echo } of prompts) {
            const text = [instructions.trim(), prompt.trim()].filter((part) => part !== '').join(' ');
            const answer = await this.#question(text, echo !== true);
            if (answer === undefined) throw this.#nobody(text);
            answers.push(answer);
          }
          return answers;
        };
        answerAll().then(finish, (error: unknown) =>
          this.unanswered(error instanceof TransportError ? error : this.#nobody(messageOf(error))),
        );
      },
    };
  }

  async #password(): Promise<AnyAuthMethod | undefined> {
    const { user: username } = this.#settings;
    const password = await this.#question('Password:', true);
    return password === undefined ? undefined : { type: 'password', username, password };
  }

  #nobody(text: string): TransportError {
    const { user, alias } = this.#settings;
    return new AdmissionError(
      'login',
      `${user}@${alias} asks ${JSON.stringify(text)}, and nobody answered. Run a cell on this cluster, or attach to one of its jobs, and answer there.`,
    );
  }

  #question(text: string, isSecret: boolean): Promise<string | undefined> {
    const { user, alias } = this.#settings;
    return this.#ask({ host: `${user}@${alias}`, text, isSecret }, this.#signal);
  }
}
