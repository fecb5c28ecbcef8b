// Ways to a host agent. Each only produces one byte stream; all else is the agent's framed protocol over it (protocol/frames.ts).
import type { Duplex } from 'node:stream';

export interface Transport extends AsyncDisposable {
  /** As the user names it: `user@host`. */
  readonly host: string;
  /** Starts the agent there if need be. What the login shell prints before `marker` is to be skipped by the reader. */
  open(signal: AbortSignal): Promise<{ readonly stream: Duplex; readonly marker: string }>;
}
