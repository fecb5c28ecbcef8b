// Plays sequences of steps against one real kernel, over zeromq, and tells what it did wrong.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { KernelClient } from '../kernel/client';
import type { Fields, Received } from '../kernel/client';
import { processesWith } from '../notebook/processes';
import { Ledger } from './ledger';
import { Random } from './random';
import type { Breakage, Step } from './steps';

/** However loaded the machine is, by then everything is answered. */
const PATIENCE_MILLISECONDS = 90_000;
/** A cell that has not ended by then is interrupted: it may be one that never does. */
const INTERRUPT_MILLISECONDS = 250;

export class Player {
  readonly kernel: KernelClient;
  #ledger = new Ledger();
  #questions: Received[] = [];
  #random = new Random(0);
  #ends = false;
  readonly #told = new Set<string>();

  private constructor(kernel: KernelClient) {
    this.kernel = kernel;
    kernel.shell.listener = (message) => {
      this.#ledger.reply('shell', message);
    };
    kernel.control.listener = (message) => {
      this.#ledger.reply('control', message);
    };
    kernel.iopub.listener = (message) => {
      this.#ledger.publish(message);
    };
    kernel.stdin.listener = (message) => {
      if (this.#random.chance(0.5)) void kernel.answerInput('typed', this.#random.chance(0.5) ? message : undefined);
      else this.#questions.push(message);
    };
  }

  static async start(): Promise<Player> {
    const kernel = await KernelClient.start();
    return new Player(kernel);
  }

  /** False once the kernel was shut down. */
  get isAlive(): boolean {
    return this.kernel.process.exitCode === null && this.kernel.process.signalCode === null;
  }

  /** Plays one sequence to its end. Gives what was wrong, in words; nothing when all is well. */
  async play(steps: readonly Step[], seed: number): Promise<readonly string[]> {
    this.#random = new Random(seed);
    this.#questions = [];
    for (const step of steps) await this.#do(step);
    if (this.#ends) return [...this.#ledger.faults, ...(await this.#waitForEnd())];
    const late = await this.#settle();
    if (late !== undefined) return [...this.#ledger.faults, late];
    const { result, reply } = await this.#probe();
    if (JSON.stringify(result?.['data']) !== '{"text/plain":"42"}')
      return [...this.#ledger.faults, `afterwards 6 * 7 was ${JSON.stringify(result ?? reply)}`];
    const faults = this.#ledger.faults;
    this.#forgetMessages();
    return faults;
  }

  /** Lines of the kernel's log that tell of a mistake in it, since the last call. */
  newMistakes(): readonly string[] {
    const directory = join(this.kernel.directory, 'state', 'logs');
    const names = this.#namesIn(directory);
    const text = names.map((name) => readFileSync(join(directory, name), 'utf8')).join('');
    const lines = text
      .split('\n')
      .filter((line) => /nobody (caught|handled)|could not be|did not stop|worker was/.test(line));
    if (this.kernel.stderr !== '') lines.push(`on standard error: ${this.kernel.stderr}`);
    return lines.splice(0).filter((line) => !this.#told.has(line) && this.#told.add(line));
  }

  async stop(): Promise<void> {
    await this.kernel.stop();
  }

  async #do(step: Step): Promise<void> {
    switch (step.kind) {
      case 'request': {
        const { channel, type, content, id } = step;
        const header: Fields = { ...this.kernel.header(type), ...step.header, msg_id: id };
        this.#ask(channel, type, content, id);
        await this.kernel.sendFrames(channel, this.kernel.frames(header, content, step.metadata, step.parent));
        if (type === 'shutdown_request') this.#ends = true;
        return;
      }
      case 'broken':
        await this.kernel.sendFrames(step.channel, breakFrames(this.kernel, step.how, step.id));
        return;
      case 'answer':
        await this.kernel.answerInput(step.value, step.withParent ? this.#questions.at(-1) : undefined);
        return;
      case 'beat':
        await this.kernel.beat();
        return;
      case 'pause':
        await new Promise((resolve) => setTimeout(resolve, step.milliseconds));
        return;
      case 'settle':
        await this.#settle();
    }
  }

  #ask(channel: string, type: string, content: Fields, id: string): void {
    this.#ledger.ask(id, { type, channel, silent: content['silent'] === true });
  }

  /** Waits until all is answered; interrupts what does not end. Tells what never was. */
  async #settle(): Promise<string | undefined> {
    const deadline = Date.now() + PATIENCE_MILLISECONDS;
    let interrupts = 0;
    let quietSince = Date.now();
    while (this.#ledger.open.size > 0) {
      const open = this.#ledger.open.size;
      await this.#ledger.change(INTERRUPT_MILLISECONDS);
      if (!this.isAlive)
        return `the kernel ended: ${String(this.kernel.process.exitCode ?? this.kernel.process.signalCode)}`;
      if (Date.now() > deadline) return `never answered: ${this.#ledger.describeOpen()}`;
      if (this.#ledger.open.size < open) quietSince = Date.now();
      if (Date.now() - quietSince < INTERRUPT_MILLISECONDS || !this.#ledger.hasOpen('execute_request')) continue;
      quietSince = Date.now();
      const header = this.kernel.header('interrupt_request');
      this.#ask('control', 'interrupt_request', {}, String(header['msg_id']));
      await this.kernel.sendFrames('control', this.kernel.frames(header, {}));
      interrupts++;
    }
    return interrupts > 100 ? `it took ${interrupts} interrupts` : undefined;
  }

  /** After a shutdown_request: everything the kernel had begun with is answered, it ends well, and leaves no process. */
  async #waitForEnd(): Promise<readonly string[]> {
    const { process } = this.kernel;
    const deadline = Date.now() + PATIENCE_MILLISECONDS;
    const waitWhile = async (isSo: () => boolean): Promise<boolean> => {
      while (isSo() && Date.now() < deadline) await this.#ledger.change(20);
      return !isSo();
    };
    if (!(await waitWhile(() => this.isAlive))) return ['the kernel did not end after a shutdown_request'];
    const faults: string[] = [];
    if (process.exitCode !== 0) faults.push(`the kernel ended with ${String(process.exitCode ?? process.signalCode)}`);
    const settled = Date.now() + 3_000;
    await waitWhile(() => this.#ledger.begun.length > 0 && Date.now() < settled);
    for (const id of this.#ledger.begun) faults.push(`${id} was begun with and never ended`);
    const entry = `CELLBURST_STATE_DIR=${join(this.kernel.directory, 'state')}`;
    const isLeft = (): boolean => processesWith(entry).some(({ command }) => command.includes('user.js'));
    if (!(await waitWhile(isLeft))) faults.push('its user process was left behind');
    return faults;
  }

  #probe(): ReturnType<KernelClient['execute']> {
    const code = '6 * 7';
    const header = this.kernel.header('execute_request');
    const id = String(header['msg_id']);
    this.#ask('shell', 'execute_request', {}, id);
    const content = { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false };
    return this.kernel
      .sendFrames('shell', this.kernel.frames(header, content))
      .then(() => this.kernel.outcome(id, performance.now(), PATIENCE_MILLISECONDS));
  }

  /** Ids stay known: what comes to one of them later is still looked at. */
  #forgetMessages(): void {
    for (const inbox of [this.kernel.shell, this.kernel.control, this.kernel.iopub, this.kernel.stdin])
      inbox.messages.length = 0;
  }

  #namesIn(directory: string): string[] {
    try {
      return readdirSync(directory);
    } catch {
      // A kernel with nothing to say makes no log.
      return [];
    }
  }
}

function breakFrames(kernel: KernelClient, how: Breakage, id: string): Buffer[] {
  const header = { ...kernel.header('execute_request'), msg_id: id };
  const content = { code: 'process.exit(9)' };
  const replaced = (at: number, text: string): Buffer[] =>
    kernel.frames(header, content).map((frame, index) => (index === at ? Buffer.from(text) : frame));
  switch (how) {
    case 'noise':
      return [Buffer.from('noise'), Buffer.from([0, 255, 3])];
    case 'nothing':
      return [Buffer.alloc(0)];
    case 'no delimiter':
      return kernel.frames(header, content).slice(1);
    case 'too few parts':
      return kernel.frames(header, content).slice(0, 4);
    case 'wrong key':
      return kernel.frames(header, content, {}, {}, 'wrong');
    case 'no signature':
      return replaced(1, '');
    case 'changed content':
      return replaced(5, '{"code":"process.exit(8)"}');
    case 'header is a list':
      return kernel.frames([1, 2], content);
    case 'header without type':
      return kernel.frames({ ...header, msg_type: undefined }, content);
    case 'header without id':
      return kernel.frames({ ...header, msg_id: 5 }, content);
    case 'content is a text':
      return kernel.frames(header, 'code');
    case 'content is null':
      return kernel.frames(header, null);
    case 'cut JSON':
      return kernel.signed(['{"msg_id"', '{}', '{}', '{}']);
  }
}
