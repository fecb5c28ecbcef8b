// Imported before the compiler: its start is much code that runs a few times only. Optimising it as early as V8 does costs a fifth of the CPU time of
// a start, in V8's other threads, on cores that the rest of the kernel needs then. So V8 is told to wait until the worker is warm.
import { setFlagsFromString } from 'node:v8';

interface Flag {
  readonly name: string;
  /** V8's own value. */
  readonly usual: number;
  readonly patient: number;
}

/** In V8's TieringManager, by the major version of V8. Of another version nothing is known, and nothing is changed. */
const FLAGS: Readonly<Record<string, Flag>> = {
  // Node 20: how much bytecode, in bytes, a function runs through between two looks at it.
  11: { name: '--interrupt-budget', usual: 67_584, patient: 1_081_344 },
  // Node 22 and 24.
  12: { name: '--invocation-count-for-turbofan', usual: 3_000, patient: 30_000 },
  13: { name: '--invocation-count-for-turbofan', usual: 3_000, patient: 30_000 },
};

const flag = FLAGS[process.versions.v8.split('.')[0] ?? ''];

if (flag) setFlagsFromString(`${flag.name}=${flag.patient}`);

/** From now on V8 optimises as it usually does. */
export function optimizeAsUsual(): void {
  if (flag) setFlagsFromString(`${flag.name}=${flag.usual}`);
}
