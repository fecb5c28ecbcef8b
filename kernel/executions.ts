// Cells, one after the other: the queue, the running one, its outcome, and what an error or an interrupt does to those that wait.
import type { CellOutcome } from '../magics/namespace';
import { FIRST_UNCOUNTED } from '../magics/protocol/code';
import type { OutputRecord } from '../magics/protocol/output';
import type { History } from './history';
import type { Language } from '../language';
import type { Log } from './log';
import { CellRuns } from './cell-runs';
import type { LazyMagics } from './magics';
import { OutputFlow } from './output-flow';
import type { InputQuestion, Turn } from './pipe';
import { Questions } from './questions';
import { parseExecute, RunningCell } from './running-cell';
import type { ExecuteRequest } from './running-cell';
import type { ProcessEnd } from './process-end';
import { plainError, tellLoss } from './shown-errors';
import { evaluateAll } from './user-expressions';
import type { UserSeat } from './user-seat';
import type { Content, Message } from './wire/message';
import type { ChannelName, Wire } from './wire/wire';

/** Late output of older cells than this is no longer told apart. */
const REMEMBERED_CELLS = 1_000;

export interface ExecutionsOptions {
  readonly wire: Wire;
  readonly user: UserSeat;
  readonly language: Language;
  readonly history: History;
  readonly magics: LazyMagics;
  readonly log: Log;
}

export class Executions {
  readonly #options: ExecutionsOptions;
  readonly #flow: OutputFlow;
  readonly #questions: Questions;
  readonly #runs: CellRuns;
  readonly #queue: ExecuteRequest[] = [];
  readonly #cells = new Map<Turn, RunningCell>();
  #working: Promise<void> | undefined;
  #ending = false;
  #running: RunningCell | undefined;
  #busy: Message | undefined;
  #newest: RunningCell | undefined;
  #turns = 0;
  #count = 0;
  #uncounted = FIRST_UNCOUNTED;

  constructor(options: ExecutionsOptions) {
    this.#options = options;
    this.#questions = new Questions(options.wire);
    this.#runs = new CellRuns({ ...options, isEnding: () => this.#ending });
    this.#flow = new OutputFlow({
      congested: () => {
        options.user.pause();
      },
      relieved: () => {
        options.user.resume();
      },
    });
  }

  /** The request that was told to be busy, and not yet to be idle. */
  get busy(): Message | undefined {
    return this.#busy;
  }

  /** What fails from now on fails because the kernel shuts down. */
  get isEnding(): boolean {
    return this.#ending;
  }

  /** The newest cell's. */
  get turn(): Turn {
    return this.#turns;
  }

  /** The request that a cell's output belongs to, as long as it is remembered. */
  requestOf(turn: Turn): Message | undefined {
    return (this.#cells.get(turn) ?? this.#newest)?.request.message;
  }

  enqueue(message: Message, channel: ChannelName): void {
    const request = parseExecute(message, channel);
    if (this.#ending) void this.#abort(request);
    else {
      this.#queue.push(request);
      this.#working ??= this.#work();
    }
  }

  /** The kernel shuts down: what waits is aborted. Resolves when the running cell, whose process is ended meanwhile, was answered. */
  async end(): Promise<void> {
    this.#ending = true;
    await Promise.all(this.#queue.splice(0).map((request) => this.#abort(request)));
    await this.#working;
  }

  /** Output of the user process. Turn 0, what native code printed, belongs to the newest cell. */
  output(turn: Turn, record: OutputRecord): void {
    const cell = this.#cells.get(turn) ?? this.#newest;
    if (cell) cell.flow.write(record);
    else if (record.type === 'stderr' || record.type === 'stdout')
      this.#options.log.write(`output before the first cell: ${record.text}`);
  }

  interrupt(): void {
    const cell = this.#running ?? this.#newest;
    const kind = cell?.interrupt();
    if (!cell) return;
    if (this.#running) this.#flow.discardIfCongested(cell.flow);
    // With no cell running there may be a callback that spins; but a second interrupt means what the first has detached.
    else if (kind === 'second') return;
    this.#options.user.interrupt(cell.turn);
  }

  input({ turn, prompt, password, isBlocking }: InputQuestion): void {
    const { user } = this.#options;
    const cell = this.#running;
    const refuse = (reason: string) => {
      user.answer({ type: 'input-refused', turn, reason }, isBlocking);
    };
    if (cell?.turn !== turn) refuse('the cell that asks has ended.');
    else if (!cell.request.allowStdin) refuse('this front end cannot ask the user (allow_stdin is false).');
    else
      this.#questions.ask(cell.request.message, prompt, password, (value) => {
        user.answer({ type: 'input', turn, value }, isBlocking);
      });
  }

  /** An input_reply came. `parentId`: what it says it answers. */
  answerInput(parentId: unknown, value: string): void {
    if (!this.#questions.answer(parentId, value)) this.#options.log.write('left out an answer to no question');
  }

  /** The user process is gone. A running cell tells it by its error; otherwise the newest cell shows it. */
  processEnded(end: ProcessEnd): void {
    if (this.#running || end.why === 'asked') return;
    this.#newest?.flow.write({ type: 'stderr', text: `\n${tellLoss(end)}\n` });
  }

  async #work(): Promise<void> {
    for (let request = this.#queue.shift(); request; request = this.#queue.shift()) {
      try {
        await this.#execute(request);
      } catch (error) {
        this.#options.log.write('a cell could not be run', error);
      }
      this.#running = undefined;
      this.#questions.withdrawAll();
    }
    this.#working = undefined;
    this.#options.magics.loadSoon();
  }

  async #execute(request: ExecuteRequest): Promise<void> {
    const { wire, history } = this.#options;
    const { message, source } = request;
    this.#busy = message;
    await wire.status(message, 'busy');
    if (source.trim() === '') {
      const user_expressions = await this.#expressions(request);
      await this.#reply(request, { status: 'ok', user_expressions, payload: [] }, this.#count);
      return;
    }
    const cell = this.#open(request);
    if (!request.silent) await wire.publish(message, 'execute_input', { code: source, execution_count: this.#count });
    if (request.storeHistory) history.add(cell.execution, source);
    const outcome = await this.#runs.outcome(cell);
    const expressions = outcome.ok ? await this.#expressions(request) : {};
    // Native output comes by other pipes: what has arrived by now belongs before the result. And "run all" sends its cells at once: those on the
    // wire by now count as waiting.
    await new Promise((resolve) => setImmediate(resolve));
    await this.#flow.drained();
    // Decided before the client hears of the failure: what it sends afterwards is meant.
    const aborted = !outcome.ok && request.stopOnError ? this.#queue.splice(0) : [];
    await this.#tell(cell, outcome, expressions);
    for (const waiting of aborted) await this.#abort(waiting);
  }

  #open(request: ExecuteRequest): RunningCell {
    const { message, silent } = request;
    const flow = this.#flow.open((type, content) => {
      if (!silent) void this.#options.wire.publish(message, type, content);
    });
    const execution = request.storeHistory ? ++this.#count : ++this.#uncounted;
    const cell = new RunningCell(request, ++this.#turns, execution, flow, (prompt, isSecret, answered) =>
      this.#questions.ask(message, prompt, isSecret, answered),
    );
    this.#cells.set(cell.turn, cell);
    this.#cells.delete(cell.turn - REMEMBERED_CELLS);
    this.#running = this.#newest = cell;
    return cell;
  }

  #expressions({ message, channel, expressions }: ExecuteRequest): Promise<Content> {
    return evaluateAll(expressions, (source) => {
      if (this.#options.magics.owns(source)) return Promise.resolve({ ok: false, error: NO_MAGIC });
      const request = { message, channel, source, silent: true, storeHistory: false, stopOnError: false };
      return this.#runs.outcome(this.#open({ ...request, allowStdin: false, expressions: [] }));
    });
  }

  async #tell(cell: RunningCell, outcome: CellOutcome, user_expressions: Content): Promise<void> {
    const { wire, history } = this.#options;
    const { request, execution } = cell;
    const count = request.storeHistory ? execution : this.#count;
    if (outcome.ok) {
      if (outcome.display && !request.silent)
        await wire.publish(request.message, 'execute_result', { execution_count: count, ...outcome.display });
      const text = outcome.display?.data['text/plain'];
      if (request.storeHistory && typeof text === 'string') history.addOutput(execution, text);
      await this.#reply(request, { status: 'ok', user_expressions, payload: [] }, count);
      return;
    }
    const { name, message, traceback } = outcome.error;
    const error = { ename: name, evalue: message, traceback };
    if (!request.silent) await wire.publish(request.message, 'error', error);
    await this.#reply(request, { status: 'error', ...error, payload: [] }, count);
  }

  async #reply({ message, channel }: ExecuteRequest, content: Content, count: number): Promise<void> {
    const { wire } = this.#options;
    await wire.reply(channel, message, 'execute_reply', { ...content, execution_count: count });
    this.#busy = undefined;
    await wire.status(message, 'idle');
  }

  async #abort(request: ExecuteRequest): Promise<void> {
    await this.#options.wire.status(request.message, 'busy');
    await this.#reply(request, { status: 'aborted' }, this.#count);
  }
}

const NO_MAGIC = plainError(
  'UsageError',
  'A magic cannot be a user expression: it would run each time a front end looks at the notebook. Run it in a cell.',
);
