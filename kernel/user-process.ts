// One life of a user process, as the supervisor sees it: started, given requests, interrupted, ended, and how it ended.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { HeapReport } from '../magics/heap-report';
import type { CellCode } from '../magics/protocol/code';
import { hugePages } from '../magics/protocol/huge-pages';
import { OutputReader } from '../magics/protocol/output';
import type { OutputRecord } from '../magics/protocol/output';
import type { Log } from './log';
import { FrameReader, MESSAGE_FRAME, OUTPUT_FRAME, PIPES } from './pipe';
import { CallFailed, Pending } from './pending';
import { explainEnd, UserProcessEnded } from './process-end';
import type { ProcessEnd } from './process-end';
import type {
  Answer,
  Call,
  CallReport,
  CommEvent,
  Control,
  Frame,
  InputQuestion,
  Notice,
  Request,
  RunReport,
  Turn,
} from './pipe';

/** Rather an error than a crash: Node aborts when termination meets its checks of async ids. See user/stopping.ts. */
const NODE_FLAGS = ['--no-force-async-hooks-checks'];
/** An orderly end gets this long before the process is killed. */
const FAREWELL_MILLISECONDS = 500;
/** Of what the process wrote on its native stderr, to find V8's last words. */
const STDERR_TAIL = 16_384;

export interface UserProcessEvents {
  /** `turn` 0: written by native code, the cell is not known. */
  output(turn: Turn, record: OutputRecord): void;
  input(question: InputQuestion): void;
  comm(turn: Turn, event: CommEvent): void;
  commTarget(target: string): void;
  /** Once, after all its output was given. */
  ended(end: ProcessEnd): void;
}

/** Flags for the user's process alone (a larger heap, say); NODE_OPTIONS would reach the compiler and every child as well. */
function userFlags(): string[] {
  return (process.env['CELLBURST_NODE_OPTIONS'] ?? '').split(/\s+/).filter((flag) => flag !== '');
}

export interface UserProcessOptions {
  readonly program: string;
  readonly directory: string;
  /** Of Node, after those of the environment. */
  readonly flags: readonly string[];
}

export class UserProcess {
  readonly #child: ChildProcess;
  readonly #events: UserProcessEvents;
  readonly #log: Log;
  readonly #requests: Writable;
  readonly #frames: Readable;
  readonly #interrupts: Writable;
  readonly #runs = new Pending<Turn, RunReport>();
  readonly #calls = new Pending<number, unknown>();
  #nextCall = 1;
  #exitCalled: number | undefined;
  #asked = false;
  #heapLimitMiB = 0;
  #stderrTail = '';
  readonly #heapReport = new HeapReport();
  #end: ProcessEnd | undefined;
  readonly startedAt = Date.now();
  /** Resolves once the process is gone and all its output was given. */
  readonly ended: Promise<void>;
  #tellEnded: () => void = () => undefined;

  constructor(options: UserProcessOptions, events: UserProcessEvents, log: Log) {
    const { program, directory, flags } = options;
    this.#events = events;
    this.ended = new Promise((resolve) => {
      this.#tellEnded = resolve;
    });
    this.#log = log;
    this.#child = spawn(process.execPath, [...NODE_FLAGS, ...userFlags(), ...flags, program], {
      cwd: directory,
      env: { ...process.env, ...hugePages() },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
      windowsHide: true,
    });
    // A pipe of stdio is a stream of both kinds; Node's types know that only of the first three.
    this.#requests = this.#child.stdio[PIPES.requests] as Writable;
    this.#frames = this.#child.stdio[PIPES.frames] as Readable;
    const interrupts: unknown = (this.#child.stdio as unknown[])[PIPES.interrupts];
    this.#interrupts = interrupts as Writable;
    this.#listen();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get alive(): boolean {
    return this.#end === undefined;
  }

  async run(turn: Turn, code: CellCode, allowStdin: boolean): Promise<RunReport> {
    this.#mustBeAlive();
    const report = this.#runs.wait(turn);
    this.#request({ type: 'run', turn, code, allowStdin });
    return await report;
  }

  /** Asks for something that is no cell (capture, settle). The answer is plain JSON; errors come as `CallFailed`. */
  async call(turn: Turn, call: Call): Promise<unknown> {
    this.#mustBeAlive();
    const id = this.#nextCall++;
    const answer = this.#calls.wait(id);
    this.#request({ type: 'call', id, turn, call });
    return await answer;
  }

  answer(answer: Answer, isBlocking: boolean): void {
    if (isBlocking) this.#control(answer);
    else this.#request(answer);
  }

  comm(event: CommEvent): void {
    this.#request({ type: 'comm', event });
  }

  /** Asks the process to stop this turn. Whether it did shows by the end of `run`; if it does not end, `kill`. */
  interrupt(turn: Turn): void {
    this.#control({ type: 'interrupt', turn });
  }

  /** Stops reading its output: the process waits in its next write. */
  pause(): void {
    this.#frames.pause();
    this.#child.stdout?.pause();
    this.#child.stderr?.pause();
  }

  resume(): void {
    this.#frames.resume();
    this.#child.stdout?.resume();
    this.#child.stderr?.resume();
  }

  kill(): void {
    this.#asked = true;
    this.resume();
    this.#child.kill('SIGKILL');
  }

  /** Lets exit handlers run, then kills. Resolves when the process is gone. */
  async close(): Promise<void> {
    if (this.#end) return;
    this.#asked = true;
    this.resume();
    const gone = new Promise<void>((resolve) => {
      this.#child.once('exit', () => {
        resolve();
      });
    });
    this.#requests.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), FAREWELL_MILLISECONDS);
    await gone;
    clearTimeout(timer);
  }

  #mustBeAlive(): void {
    if (this.#end) throw new UserProcessEnded(this.#end);
  }

  #request(request: Request): void {
    if (!this.#end) this.#requests.write(`${JSON.stringify(request)}\n`);
  }

  #control(control: Control): void {
    if (!this.#end) this.#interrupts.write(`${JSON.stringify(control)}\n`);
  }

  #listen(): void {
    const reader = new FrameReader();
    this.#frames.on('data', (chunk: Buffer) => {
      try {
        for (const frame of reader.push(chunk)) this.#take(frame);
      } catch (error) {
        // Native code wrote on our pipe: nothing after it can be told apart.
        this.#log.write('the user process sent what does not decode; ending it', error);
        this.#child.kill('SIGKILL');
      }
    });
    this.#listenNative('stdout');
    this.#listenNative('stderr');
    for (const pipe of [this.#requests, this.#interrupts, this.#frames])
      pipe.on('error', (error: Error) => {
        // The process died while we wrote; its end is told by `close`.
        this.#log.write('a pipe to the user process broke', error);
      });
    this.#child.on('error', (error) => {
      this.#log.write('the user process could not be started', error);
      this.#finish({ why: 'code', code: -1, words: error.message });
    });
    // `close` comes after the exit and the end of all pipes: no output is lost.
    this.#child.on('close', (code, signal) => {
      this.#finish(this.#endOf(code, signal));
    });
    // A grandchild may hold the pipes open after the process itself is gone.
    this.#child.on('exit', (code, signal) => {
      setTimeout(() => {
        this.#finish(this.#endOf(code, signal));
      }, FAREWELL_MILLISECONDS).unref();
    });
  }

  #listenNative(name: 'stdout' | 'stderr'): void {
    const decoder = new StringDecoder('utf8');
    this.#child[name]?.on('data', (chunk: Buffer) => {
      const text = decoder.write(chunk);
      if (name === 'stderr') this.#stderrTail = (this.#stderrTail + text).slice(-STDERR_TAIL);
      const shown = text === '' ? undefined : this.#heapReport.pass({ type: name, text });
      if (shown !== undefined) this.#events.output(0, shown);
    });
  }

  #take(frame: Frame): void {
    if (frame.kind === OUTPUT_FRAME) {
      for (const { record } of new OutputReader().push(frame.payload)) this.#events.output(frame.turn, record);
      return;
    }
    if (frame.kind !== MESSAGE_FRAME) {
      this.#log.write(`left out a frame of the unknown kind ${frame.kind}`);
      return;
    }
    // Both ends of this pipe are the same build of ours.
    this.#hear(JSON.parse(frame.payload.toString('utf8')) as Notice);
  }

  #hear(notice: Notice): void {
    switch (notice.type) {
      case 'ready':
        this.#heapLimitMiB = notice.heapLimitMiB;
        return;
      case 'ran':
        this.#runs.resolve(notice.turn, notice.report);
        return;
      case 'called':
        this.#settleCall(notice.id, notice.report);
        return;
      case 'input':
        this.#events.input(notice.question);
        return;
      case 'comm':
        this.#events.comm(notice.turn, notice.event);
        return;
      case 'comm-target':
        this.#events.commTarget(notice.target);
        return;
      case 'exit':
        this.#exitCalled = notice.code;
    }
  }

  #settleCall(id: number, report: CallReport): void {
    if (report.ok) this.#calls.resolve(id, report.value);
    else this.#calls.reject(id, new CallFailed(report.error.name, report.error.message, report.error.fields));
  }

  #endOf(code: number | null, signal: string | null): ProcessEnd {
    const lastWords = this.#stderrTail;
    return explainEnd({
      asked: this.#asked,
      exitCalled: this.#exitCalled,
      code,
      signal,
      lastWords,
      heapLimitMiB: this.#heapLimitMiB,
    });
  }

  #finish(end: ProcessEnd): void {
    if (this.#end) return;
    this.#end = end;
    for (const record of this.#heapReport.rest(end.why === 'heap')) this.#events.output(0, record);
    const error = new UserProcessEnded(end);
    this.#runs.rejectAll(error);
    this.#calls.rejectAll(error);
    this.#events.ended(end);
    this.#tellEnded();
  }
}
