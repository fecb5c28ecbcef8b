// The client's end of a kernel's sockets (wire/sockets.ts has the kernel's). The heartbeat is left out: whoever started the process sees it end.
import { randomUUID } from 'node:crypto';
import { Dealer, Subscriber } from 'zeromq';
import { endpointOf, type Connection } from '../wire/connection';
import type { Frames } from '../wire/sockets';

export type Asking = 'shell' | 'control' | 'stdin';

export interface ClientSockets {
  send(channel: Asking, frames: Frames): Promise<void>;
  /** All that comes on a channel, until closed. */
  receive(channel: Asking | 'iopub'): AsyncIterable<Frames>;
  close(): void;
}

/** How soon a socket asks again while the kernel is not there yet. */
const AGAIN_MILLISECONDS = 10;

export function connectSockets(connection: Connection): ClientSockets {
  // One name for all three: a question on stdin finds who sent the request on shell.
  const options = { routingId: randomUUID(), linger: 0, reconnectInterval: AGAIN_MILLISECONDS };
  const iopub = new Subscriber({ linger: 0, reconnectInterval: AGAIN_MILLISECONDS, receiveHighWaterMark: 0 });
  iopub.subscribe();
  const sockets = { shell: new Dealer(options), control: new Dealer(options), stdin: new Dealer(options), iopub };
  for (const name of ['shell', 'control', 'stdin', 'iopub'] as const)
    sockets[name].connect(endpointOf(connection, name));
  return {
    send: (channel, frames) => sockets[channel].send([...frames]),
    receive: (channel) => sockets[channel],
    close: () => {
      for (const socket of Object.values(sockets)) socket.close();
    },
  };
}
