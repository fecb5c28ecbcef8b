// The agent of this state directory is at work on another machine, as when several login nodes lie behind one name: a way to it, or its place when it is dead
// or moves.
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { TransportError, messageOf } from '../protocol/errors';
import { readIfThere, writeWhole } from '../protocol/files';
import { LEASE_MS, hostName } from '../protocol/platform';
import { parseJson } from '../protocol/shape';
import { IDENTITY, PSK_OPTIONS, doorFile, doorState, knockFile, type DoorState, type Knock } from './door';
import { holderElsewhere } from './lease';

/** Until a dead owner's lease is over, and some more. Below what a connection may take to open. */
const PATIENCE_MS = LEASE_MS + 25_000;
const CONNECT_MS = 3000;
const LOOK_MS = 250;
/** The owner looks at its door every 2 s, and file servers are slow to tell. */
const ANSWER_MS = 12_000;

type OpenDoor = Extract<DoorState, { readonly is: 'open' }>;

/** undefined: there is no agent on another machine (any more), so one may start here. Throws TransportError when there is one, and no way to it. */
export async function reachElsewhere(stateDirectory: string, signal: AbortSignal): Promise<Duplex | undefined> {
  const deadline = Date.now() + PATIENCE_MS;
  const token = randomBytes(8).toString('hex');
  const ask = (wish: Knock['wish']): number => {
    const said: Knock = { token, host: hostName(), wish };
    writeWhole(knockFile(stateDirectory), `${JSON.stringify(said)}\n`);
    return Date.now();
  };
  let problem = 'it did not answer';
  let knockedAt: number | undefined;
  let movesAt: number | undefined;
  for (let owner = holderElsewhere(stateDirectory); owner !== undefined; owner = holderElsewhere(stateDirectory)) {
    const door = readDoor(stateDirectory);
    if (door.is === 'stays' && door.token === token)
      throw new TransportError(
        `The agent of ${stateDirectory} is at work on ${owner.host}. It cannot be reached from ${hostName()} (${problem}), and stays there, since ${door.reason}. Name that machine itself in \`host:\` of this cluster.`,
      );
    if (door.is === 'open' && movesAt === undefined) {
      const opened = await tryDoor(door);
      if ('stream' in opened) return opened.stream;
      ({ problem } = opened);
      // A door that leads nowhere: its owner is dead, or behind a wall.
      movesAt = ask('move');
    } else if (door.is !== 'open' && knockedAt === undefined) knockedAt = ask('come-in');
    else if (movesAt === undefined && Date.now() - (knockedAt ?? 0) > ANSWER_MS) movesAt = ask('move');
    if (Date.now() > deadline)
      throw new TransportError(
        `The agent of ${stateDirectory} is at work on ${owner.host}, shows life, and cannot be reached from ${hostName()}: ${problem}.`,
        { transient: true },
      );
    await sleep(LOOK_MS, undefined, { signal });
  }
  return undefined;
}

function readDoor(stateDirectory: string): DoorState {
  const path = doorFile(stateDirectory);
  const source = readIfThere(path);
  return source === undefined ? { is: 'closed' } : parseJson(source, doorState, path);
}

type Opened = { readonly stream: Duplex } | { readonly problem: string };

/** By all of its addresses at once. */
async function tryDoor(door: OpenDoor): Promise<Opened> {
  const found = new AbortController();
  const problems: string[] = [];
  const tries = door.addresses.map(async (address) => {
    try {
      return await enter(address, door, found.signal);
    } catch (error) {
      problems.push(`${address}:${door.port} ${messageOf(error)}`);
      throw error;
    }
  });
  try {
    return { stream: await Promise.any(tries) };
  } catch {
    return { problem: problems.join(', ') || 'it has no address' };
  } finally {
    found.abort();
  }
}

function enter(host: string, { port, key }: OpenDoor, late: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...PSK_OPTIONS,
      host,
      port,
      pskCallback: () => ({ psk: Buffer.from(key, 'hex'), identity: IDENTITY }),
      // The key is the proof: there is no certificate.
      checkServerIdentity: () => undefined,
    });
    socket.setNoDelay(true);
    const timer = setTimeout(() => {
      socket.destroy(new Error('does not answer'));
    }, CONNECT_MS);
    const giveUp = (): void => {
      socket.destroy(new Error('another address was quicker'));
    };
    late.addEventListener('abort', giveUp);
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      // Of two that come at once the second is too late.
      if (late.aborted) return;
      late.removeEventListener('abort', giveUp);
      socket.off('error', reject);
      resolve(socket);
    });
    socket.once('error', (error: Error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}
