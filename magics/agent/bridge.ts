// Standard input and output as a connection to this machine's agent, which is started if need be: how an agent on another machine reaches it over SSH.
// The marker comes first, since login shells print what they like.
import { connectOrStart, tryConnect } from '../client';
import { AgentError } from '../protocol/errors';

const START_MS = 20_000;

export interface Bridge {
  readonly marker: string;
  /** false: only to an agent that is there. */
  readonly mayStart: boolean;
}

export async function bridge({ marker, mayStart }: Bridge, program: string, stateDirectory: string): Promise<void> {
  const signal = AbortSignal.timeout(START_MS);
  const socket = mayStart
    ? await connectOrStart({ stateDirectory, agent: [program], startTimeoutMs: START_MS }, signal)
    : await tryConnect(stateDirectory);
  if (socket === undefined) throw new AgentError(`There is no agent at work in ${stateDirectory}.`);
  process.stdout.write(marker);
  process.stdin.pipe(socket);
  socket.pipe(process.stdout);
  await new Promise<void>((resolve) => {
    const done = (): void => {
      resolve();
    };
    socket.once('close', done);
    socket.once('error', done);
    process.stdin.once('close', done);
    process.stdout.once('error', done);
  });
  socket.destroy();
}
