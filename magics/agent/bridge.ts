// Standard input and output as a connection to the agent of this state directory: how an agent on another machine reaches it over SSH. It is started if need
// be, or found on another login node. The marker comes first, since login shells print what they like.
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { connectOrStart, tryConnect } from '../client';
import { AgentError } from '../protocol/errors';
import { readIfThere } from '../protocol/files';
import { agentSocket, placeFile } from '../protocol/platform';
import { reachElsewhere } from './elsewhere';
import { holderElsewhere } from './lease';

const START_MS = 20_000;
const ATTEMPTS = 3;

export interface Bridge {
  readonly marker: string;
  /** What the place of the agent's socket is told behind, before the marker: whoever can reach it by itself needs no process in between. */
  readonly socketWord?: string;
  /**
   * When there is no agent: `detached`, one is started that stays; `here`, this process becomes it, as long as its connection; `none`, that is an error.
   */
  readonly start: 'detached' | 'here' | 'none';
}

/** Settles when the connection is over, with whether there was one: if not, this process is to be the agent. */
export async function bridge(
  { marker, socketWord, start }: Bridge,
  program: string,
  stateDirectory: string,
): Promise<boolean> {
  const way = { isHere: true };
  const stream =
    start === 'none'
      ? await tryConnect(stateDirectory)
      : await reach(stateDirectory, way, async () =>
          start === 'here' ? await tryConnect(stateDirectory) : await startDetached(program, stateDirectory),
        );
  if (stream === undefined) {
    if (start === 'here') return false;
    throw new AgentError(`There is no agent at work in ${stateDirectory}.`);
  }
  const socket = way.isHere ? socketOf(stateDirectory) : undefined;
  if (socketWord !== undefined && socket !== undefined) process.stdout.write(`${socketWord} ${socket}\n`);
  await join(marker, stream);
  return true;
}

/** Not in a folder where everybody may put something: whoever reaches for it from outside may see another one under the same name. */
function socketOf(stateDirectory: string): string | undefined {
  const noted = readIfThere(placeFile(stateDirectory))?.trim();
  const path = noted !== undefined && existsSync(noted) ? noted : agentSocket(stateDirectory).path;
  return dirname(dirname(path)) === tmpdir() || path.includes('\n') ? undefined : path;
}

/** Another machine's agent may come up while one is started here: then that one it is. */
async function reach(
  stateDirectory: string,
  way: { isHere: boolean },
  here: () => Promise<Duplex | undefined>,
): Promise<Duplex | undefined> {
  for (let attempt = 1; ; attempt++) {
    const far = await reachElsewhere(stateDirectory, new AbortController().signal);
    way.isHere = far === undefined;
    if (far !== undefined) return far;
    try {
      return await here();
    } catch (error) {
      if (attempt >= ATTEMPTS || holderElsewhere(stateDirectory) === undefined) throw error;
    }
  }
}

async function startDetached(program: string, stateDirectory: string): Promise<Duplex> {
  const options = { stateDirectory, agent: [program], startTimeoutMs: START_MS };
  return await connectOrStart(options, AbortSignal.timeout(START_MS));
}

/** Until either side closes. */
export async function join(marker: string, stream: Duplex): Promise<void> {
  process.stdout.write(marker);
  process.stdin.pipe(stream);
  stream.pipe(process.stdout);
  await new Promise<void>((resolve) => {
    const done = (): void => {
      resolve();
    };
    stream.once('close', done);
    stream.once('error', done);
    process.stdin.once('close', done);
    process.stdout.once('error', done);
  });
  stream.destroy();
}
