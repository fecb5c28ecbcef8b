// What the runner in an image and the one outside of it tell each other, by lines of standard input and output: the outer one asks the job to end, and
// knows what cannot be seen from within, which is why the system has killed a cell.
import type { Interface } from 'node:readline';

/** Outside to inside, after the orders: the job shall end. */
export const TERMINATE = 'terminate';
/** Inside to outside: a process was killed, and not by us. Was it for lack of memory? The answer is one of the two. */
export const WHY_KILLED = 'why killed';
export const FOR_MEMORY = 'for memory';
export const NOT_FOR_MEMORY = 'not for memory';

const PATIENCE_MS = 2000;

export interface Outside {
  /** Was a process killed because memory was used up? No, if nobody answers. */
  readonly wasOomKill: () => Promise<boolean>;
}

export function openOutside(lines: Interface, terminate: () => void): Outside {
  lines.on('line', (line) => {
    if (line === TERMINATE) terminate();
  });
  return {
    wasOomKill: () =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, PATIENCE_MS, false);
        lines.on('line', (line) => {
          if (line !== FOR_MEMORY && line !== NOT_FOR_MEMORY) return;
          clearTimeout(timer);
          resolve(line === FOR_MEMORY);
        });
        process.stdout.write(`${WHY_KILLED}\n`);
      }),
  };
}
