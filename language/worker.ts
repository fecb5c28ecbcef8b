// The language worker: a thread that answers one request after the other. It gets ready for the first cell before it is asked for one.
import { optimizeAsUsual } from './tiering';
import { keepCompiled } from './compile-cache';
import { parentPort, workerData } from 'node:worker_threads';
import { ts } from './compiler';
import { CANCEL_SLOTS, CURRENT_SLOT, type Reply, type Request, type WorkerStart } from './messages';
import { NotebookLanguage } from './notebook';

const port = parentPort;
if (!port) throw new Error('language/worker is the program of a worker thread: start it through language/client.');
// Written by our own client, from the same build.
const { settings, cancelled } = workerData as WorkerStart;
const slots = new Int32Array(cancelled);
/** The request under way. */
let current: number | undefined;
const language = new NotebookLanguage(settings, () => current !== undefined && isCancelled(current));

port.on('message', (request: Request) => {
  current = request.id;
  Atomics.store(slots, CURRENT_SLOT, request.id);
  const answered: Reply = isCancelled(request.id) ? { id: request.id, ok: 'cancelled' } : reply(request);
  Atomics.store(slots, CURRENT_SLOT, 0);
  current = undefined;
  port.postMessage(answered);
  rehearseAfter(QUIET_MILLISECONDS);
});
warmUp();

/**
 * Completion is wanted at the first key that is pressed, and its code is slow for the first times it runs. So it is rehearsed, a little at a
 * time, while nobody asks for anything.
 */
const REHEARSED = [
  'const rehearsal = [1];\nrehearsal.ma',
  'rehearsa',
  ...Array<string>(16).fill('[1, 2].fil'),
  'Mat',
  'proc',
];
const QUIET_MILLISECONDS = 400;
const PAUSE_MILLISECONDS = 20;
let rehearsal: NodeJS.Timeout | undefined;

function rehearseAfter(milliseconds: number): void {
  clearTimeout(rehearsal);
  const text = REHEARSED[0];
  if (text === undefined) return;
  rehearsal = setTimeout(() => {
    REHEARSED.shift();
    language.complete(text, text.length);
    rehearseAfter(PAUSE_MILLISECONDS);
  }, milliseconds).unref();
}

/** Requests that wait already are answered between the halves. */
function warmUp(): void {
  language.readEarly();
  afterRequests(() => {
    // V8 takes compiled code back only under the flags it was compiled with.
    if (language.readAll()) keepCompiled();
    optimizeAsUsual();
    rehearseAfter(QUIET_MILLISECONDS);
  });
}

/** Twice: this program itself runs in the turn of the loop that takes messages, and the first immediate comes before the next such turn. */
function afterRequests(action: () => void): void {
  setImmediate(() => setImmediate(action));
}

function isCancelled(id: number): boolean {
  return Atomics.load(slots, id % CANCEL_SLOTS) === id;
}

function reply(request: Request): Reply {
  try {
    return { id: request.id, ok: true, answer: answer(request) };
  } catch (error) {
    if (error instanceof ts.OperationCanceledException) return { id: request.id, ok: 'cancelled' };
    const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
    return { id: request.id, ok: false, message, stack };
  }
}

function answer(request: Request): unknown {
  switch (request.method) {
    case 'prepare':
      return language.prepare(request.question);
    case 'commit':
      language.commit(request.question.execution, request.question.progress);
      return undefined;
    case 'restore':
      language.restore(request.question);
      return undefined;
    case 'complete':
      return language.complete(request.question.source, request.question.offset);
    case 'inspect':
      return language.inspect(request.question.source, request.question.offset);
    case 'isComplete':
      return language.isComplete(request.question.source);
    case 'configure':
      language.configure(request.question);
      return undefined;
    case 'checks':
      return language.checks();
    case 'refresh':
      language.refresh();
      return undefined;
    case 'forget':
      language.forget(request.question.names);
      return undefined;
    case 'reset':
      language.reset();
      return undefined;
  }
}
