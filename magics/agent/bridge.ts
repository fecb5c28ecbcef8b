// Standard input and output as a connection to this machine's agent, which is started if need be: how an agent on another machine reaches it over SSH.
// The marker comes first, since login shells print what they like.
import { connectOrStart } from '../client';

const START_MS = 20_000;

export async function bridge(marker: string, program: string, stateDirectory: string): Promise<void> {
  const socket = await connectOrStart(
    { stateDirectory, agent: [program], startTimeoutMs: START_MS },
    AbortSignal.timeout(START_MS),
  );
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
