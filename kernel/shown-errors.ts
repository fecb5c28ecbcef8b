// Errors that the kernel itself shows in a cell: interrupts, and a user process that is gone.
import type { ShownError } from '../magics/namespace';
import { describeEnd } from './process-end';
import type { ProcessEnd } from './process-end';

const LOST = 'All variables are gone; a new process was started.';

const END_NAMES: Readonly<Record<ProcessEnd['why'], string>> = {
  exit: 'ProcessExit',
  heap: 'OutOfMemory',
  signal: 'ProcessCrash',
  code: 'ProcessCrash',
  asked: 'ProcessEnded',
};

export function tellLoss(end: ProcessEnd): string {
  return `${describeEnd(end)} ${LOST}`;
}

/** For a cell that ran in the process that is gone. */
export function lostProcess(end: ProcessEnd, wasInterrupted: boolean): ShownError {
  if (end.why === 'asked' && wasInterrupted)
    return interrupted(`The cell could not be stopped, so its process was ended. ${LOST}`);
  return plainError(END_NAMES[end.why], tellLoss(end));
}

export function interrupted(message: string): ShownError {
  return plainError('KeyboardInterrupt', message);
}

/** Without a stack: the sentence says all. */
export function plainError(name: string, message: string): ShownError {
  return { name, message, traceback: [`\u001b[31m${name}\u001b[0m: ${message}`] };
}
