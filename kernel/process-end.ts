// How a user process ended: told apart by what it said last and how the system reports it, and put into words.

export type ProcessEnd =
  | { readonly why: 'exit'; readonly code: number }
  | { readonly why: 'heap'; readonly limitMiB: number }
  | { readonly why: 'signal'; readonly signal: string }
  | { readonly why: 'code'; readonly code: number; readonly words: string }
  /** By us: the kernel shuts down, or the cell could not be stopped otherwise. */
  | { readonly why: 'asked' };

/** Rejects what was asked of a process that ended before it answered. */
export class UserProcessEnded extends Error {
  override readonly name = 'UserProcessEnded';
  readonly end: ProcessEnd;

  constructor(end: ProcessEnd) {
    super(describeEnd(end));
    this.end = end;
  }
}

/** What is known when a process is gone. */
export interface EndFacts {
  /** By us. */
  readonly asked: boolean;
  /** The code that its exit handler announced: process.exit was called. */
  readonly exitCalled: number | undefined;
  readonly code: number | null;
  readonly signal: string | null;
  /** The tail of its native stderr: V8 says there why it gives up. */
  readonly lastWords: string;
  readonly heapLimitMiB: number;
}

const OUT_OF_HEAP = /(heap out of memory|Array buffer allocation failed|invalid array length Allocation failed)/i;

export function explainEnd(facts: EndFacts): ProcessEnd {
  if (facts.asked) return { why: 'asked' };
  if (facts.exitCalled !== undefined) return { why: 'exit', code: facts.exitCalled };
  if (OUT_OF_HEAP.test(facts.lastWords)) return { why: 'heap', limitMiB: facts.heapLimitMiB };
  if (facts.signal !== null) return { why: 'signal', signal: facts.signal };
  return { why: 'code', code: facts.code ?? -1, words: facts.lastWords.trim().split('\n').at(-1) ?? '' };
}

/** One sentence: what happened to the process. What follows from it is said by whoever shows it. */
export function describeEnd(end: ProcessEnd): string {
  switch (end.why) {
    case 'exit':
      return `The process was ended by process.exit(${end.code}).`;
    case 'heap':
      return `The process ran out of memory: its JavaScript heap is limited to ${end.limitMiB} MiB (%memory 8GB starts a process with a larger one).`;
    case 'signal':
      return SIGNALS[end.signal] ?? `The process was ended by ${end.signal}.`;
    case 'code':
      return `The process ended with exit code ${end.code}${end.words === '' ? '' : `: ${end.words}`}.`;
    case 'asked':
      return 'The process was ended by the kernel.';
  }
}

const SIGNALS: Readonly<Record<string, string>> = {
  SIGKILL: 'The process was killed by SIGKILL, by a person or by the system when memory ran out.',
  SIGSEGV: 'The process crashed with SIGSEGV, a memory error in native code.',
  SIGBUS: 'The process crashed with SIGBUS, a memory error in native code.',
  SIGABRT: 'The process was aborted with SIGABRT, by process.abort() or by a failed check in native code.',
  SIGTERM: 'The process was ended by SIGTERM.',
};
