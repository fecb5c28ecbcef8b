// The tiny thread beside the user's code: reads the interrupt pipe, stops the main thread, hands it answers it stands still for (prompt.ts), and ends
// the process when the pipe closes, since then the supervisor is gone. It holds an inspector connection only while it interrupts: a standing one keeps what console.log printed alive.
import { Session } from 'node:inspector';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { LineReader, PIPES } from '../pipe';
import type { Control } from '../pipe';
import { postTo } from './prompt-end';
import type { PromptEnd } from './prompt-end';
import { DISARM, STOP_TURN } from './stop-keys';

/** Library code without checks gets this long to come back before its execution is terminated. */
const PATIENCE_MILLISECONDS = 300;
const TERMINATION_MILLISECONDS = 2_000;
const POLL_MILLISECONDS = 2;
const MAX_TRIES = 50;

// The main thread is ours as well.
const { answered: shared, prompt } = workerData as { readonly answered: SharedArrayBuffer; readonly prompt: PromptEnd };
// Counts what the main thread did about interrupts; see stopping.ts.
const answered = new Int32Array(shared);

const pipe = new Socket({ fd: PIPES.interrupts, readable: true, writable: false });
const lines = new LineReader();
let queue = Promise.resolve();
pipe.on('data', (chunk: Buffer) => {
  for (const line of lines.push(chunk)) {
    // The other end of the pipe is the same build as this one.
    const control = JSON.parse(line) as Control;
    if (control.type === 'interrupt') queue = queue.then(() => interrupt(control.turn));
    else postTo(prompt, control);
  }
});
pipe.on('error', endProcess);
pipe.on('close', endProcess);

function endProcess(): void {
  process.kill(process.pid, 'SIGKILL');
}

async function interrupt(turn: number): Promise<void> {
  const session = new Session();
  session.connectToMainThread();
  try {
    const before = Atomics.load(answered, 0);
    await raiseFlag(session, turn);
    postTo(prompt, { type: 'interrupt', turn });
    // The flag stops running code; a cell that waits is abandoned by the main thread when it hears of this.
    parentPort?.postMessage(turn);
    const deadline = performance.now() + TERMINATION_MILLISECONDS;
    while (!(await isAnswered(before, PATIENCE_MILLISECONDS)) && performance.now() < deadline) {
      // On a busy machine the main thread may be late without being stuck: then there is nothing to terminate.
      if (!(await evaluate(session, `globalThis[Symbol.for(${JSON.stringify(DISARM)})]()`))) continue;
      session.post('Runtime.terminateExecution');
      // Connected until it has happened. If it does not, the supervisor ends the process.
      await isAnswered(before, TERMINATION_MILLISECONDS);
      return;
    }
  } finally {
    session.disconnect();
  }
}

async function isAnswered(before: number, milliseconds: number): Promise<boolean> {
  const deadline = performance.now() + milliseconds;
  while (Atomics.load(answered, 0) === before && performance.now() < deadline) await sleep(POLL_MILLISECONDS);
  return Atomics.load(answered, 0) !== before;
}

/** Tried again when it fails: at the very edge of the stack even a call of two lines can overflow. */
async function raiseFlag(session: Session, turn: number): Promise<void> {
  const expression = `globalThis[Symbol.for(${JSON.stringify(STOP_TURN)})](${turn})`;
  for (let tries = 0; tries < MAX_TRIES && !(await evaluate(session, expression)); tries++)
    await sleep(POLL_MILLISECONDS);
}

/** Did it give true? */
function evaluate(session: Session, expression: string): Promise<boolean> {
  return new Promise((resolve) => {
    session.post('Runtime.evaluate', { expression, silent: true }, (error, result) => {
      resolve(error === null && result.result.value === true);
    });
  });
}
