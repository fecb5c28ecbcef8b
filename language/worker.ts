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
let current = 0;
const language = new NotebookLanguage(settings, () => isCancelled(current));

port.on('message', (request: Request) => {
  current = request.id;
  Atomics.store(slots, CURRENT_SLOT, current);
  const answered: Reply = isCancelled(request.id) ? { id: request.id, ok: 'cancelled' } : reply(request);
  Atomics.store(slots, CURRENT_SLOT, 0);
  port.postMessage(answered);
});
warmUp();

/** Half of the time of a first cell is the reading of the library; the rest is code that runs for the first time. */
function warmUp(): void {
  const ready = language.prepare({ source: 'const warm: number = 1;\nwarm', execution: 0 });
  language.reset();
  setImmediate(() => {
    // V8 takes compiled code back only under the flags it was compiled with.
    if (ready.ok) keepCompiled();
    optimizeAsUsual();
  });
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
