// The place of the user process: there is always one, or one is started when it is needed. A process that dies is replaced at once, unless it
// died of being started.
import type { CellCode } from '../magics/protocol/code';
import type { Log } from './log';
import type { Answer, Call, CommEvent, RunReport, Turn } from './pipe';
import { UserProcessEnded } from './process-end';
import { UserProcess } from './user-process';
import type { UserProcessEvents } from './user-process';

/** A process that lived shorter than this is not replaced before somebody needs it: it would only die again. */
const SHORT_LIFE_MILLISECONDS = 2_000;

export class UserSeat {
  readonly #start: () => UserProcess;
  #events: UserProcessEvents | undefined;
  #process: UserProcess | undefined;
  #closing = false;
  #paused = false;
  #flags: readonly string[] = [];

  constructor(program: string, directory: string, log: Log) {
    this.#start = () => {
      const process = new UserProcess(
        { program, directory, flags: this.#flags },
        {
          output: (turn, record) => this.#events?.output(turn, record),
          input: (question) => this.#events?.input(question),
          comm: (turn, event) => this.#events?.comm(turn, event),
          commTarget: (target) => this.#events?.commTarget(target),
          ended: (end) => {
            if (this.#process === process) this.#replace(process);
            this.#events?.ended(end);
          },
        },
        log,
      );
      if (this.#paused) process.pause();
      return process;
    };
  }

  /** Who hears of output, questions and ends. Before, a process starts and has nothing to say. */
  listen(events: UserProcessEvents): void {
    this.#events = events;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Starts the process ahead of need. */
  warm(): void {
    this.#need();
  }

  async run(turn: Turn, code: CellCode, allowStdin: boolean): Promise<RunReport> {
    return await this.#need().run(turn, code, allowStdin);
  }

  async call(turn: Turn, call: Call): Promise<unknown> {
    return await this.#need().call(turn, call);
  }

  answer(answer: Answer, isBlocking: boolean): void {
    this.#process?.answer(answer, isBlocking);
  }

  comm(event: CommEvent): void {
    this.#process?.comm(event);
  }

  interrupt(turn: Turn): void {
    this.#process?.interrupt(turn);
  }

  pause(): void {
    this.#paused = true;
    this.#process?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#process?.resume();
  }

  kill(): void {
    this.#process?.kill();
  }

  /** Another process in the place of this one, with these flags of Node's. Resolves when the old one is gone. */
  async restart(flags: readonly string[]): Promise<void> {
    this.#flags = flags;
    const old = this.#process;
    this.#process = undefined;
    await old?.close();
    await old?.ended;
    if (!this.#closing) this.#need();
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#process?.close();
  }

  #need(): UserProcess {
    if (this.#closing) throw new UserProcessEnded({ why: 'asked' });
    return (this.#process ??= this.#start());
  }

  #replace(ended: UserProcess): void {
    this.#process = undefined;
    if (!this.#closing && Date.now() - ended.startedAt > SHORT_LIFE_MILLISECONDS) this.#process = this.#start();
  }
}
