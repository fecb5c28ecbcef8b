// The only door to zeromq: the five sockets of a kernel as plain streams of frames.
import { Publisher, Reply, Router } from 'zeromq';
import { endpointOf } from './connection';
import type { Connection } from './connection';

export type Frames = readonly Buffer[];

/** Takes frames. Sends go out one after the other: zeromq allows one waiting send per socket, and a rejection is not lost. */
export interface FrameSink {
  readonly send: (frames: Frames) => Promise<void>;
}

export interface FrameChannel extends FrameSink {
  /** Ends when the sockets close. */
  receive(): AsyncIterable<Frames>;
}

export interface Sockets {
  readonly shell: FrameChannel;
  readonly control: FrameChannel;
  readonly stdin: FrameChannel;
  readonly iopub: FrameSink;
  /** Sends what is queued (at most a second long), then lets go of the ports. */
  close(): Promise<void>;
}

/** Messages a slow client may lag behind before zeromq drops some; the default of 1,000 is one second of a busy cell. */
const IOPUB_HIGH_WATER_MARK = 100_000;
const LINGER_MILLISECONDS = 1_000;
const MAX_MESSAGE_BYTES = 512 * 1024 * 1024;

/** Binds all five sockets and starts the heartbeat's own loop. */
export async function openSockets(connection: Connection): Promise<Sockets> {
  const router = () =>
    new Router({ linger: LINGER_MILLISECONDS, sendHighWaterMark: 0, maxMessageSize: MAX_MESSAGE_BYTES });
  const shell = router();
  const control = router();
  const stdin = router();
  const iopub = new Publisher({ linger: LINGER_MILLISECONDS, sendHighWaterMark: IOPUB_HIGH_WATER_MARK });
  const heartbeat = new Reply({ linger: 0 });
  await Promise.all([
    shell.bind(endpointOf(connection, 'shell')),
    control.bind(endpointOf(connection, 'control')),
    stdin.bind(endpointOf(connection, 'stdin')),
    iopub.bind(endpointOf(connection, 'iopub')),
    heartbeat.bind(endpointOf(connection, 'hb')),
  ]);
  const beating = echo(heartbeat);
  const sinks = { shell: sinkOf(shell), control: sinkOf(control), stdin: sinkOf(stdin), iopub: sinkOf(iopub) };
  return {
    shell: { send: sinks.shell.send, receive: () => shell },
    control: { send: sinks.control.send, receive: () => control },
    stdin: { send: sinks.stdin.send, receive: () => stdin },
    iopub: sinks.iopub,
    close: async () => {
      await Promise.all([sinks.shell.drained(), sinks.control.drained(), sinks.stdin.drained(), sinks.iopub.drained()]);
      for (const socket of [shell, control, stdin, iopub, heartbeat]) socket.close();
      await beating;
    },
  };
}

async function echo(heartbeat: Reply): Promise<void> {
  for await (const frames of heartbeat) await heartbeat.send(frames);
}

function sinkOf(socket: Router | Publisher): FrameSink & { drained(): Promise<void> } {
  let last: Promise<void> = Promise.resolve();
  return {
    send: (frames) => {
      const sent = last.then(() => socket.send([...frames]));
      // The next send waits for this one however it ends; whoever asked for this one hears of its failure.
      last = sent.catch(() => undefined);
      return sent;
    },
    drained: () => last,
  };
}
