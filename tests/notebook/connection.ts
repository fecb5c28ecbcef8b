// How the tests' client connects to a Jupyter server: JupyterLab's own client library, under Node.
import { ServerConnection } from '@jupyterlab/services';
import WebSocket from 'ws';
import { codeOf } from './processes';

// The client tells of every connection that it opens or loses; in a test's or the demo's output that is noise.
const NOISE = /^(Starting WebSocket|Kernel: |Connection lost, reconnecting)/;
for (const level of ['debug', 'warn'] as const) {
  const write = console[level].bind(console);
  console[level] = (...line: unknown[]): void => {
    if (typeof line[0] !== 'string' || !NOISE.test(line[0])) write(...line);
  };
}

export function connectionTo(url: string, token: string): ServerConnection.ISettings {
  return ServerConnection.makeSettings({
    baseUrl: url,
    wsUrl: url.replace(/^http/, 'ws'),
    token,
    // Node 20 has no WebSocket, and the one of Node 22 does not take headers. The two types differ in details of their events only.
    WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
    fetch: fetchPatiently,
    init: { cache: 'no-store' },
  });
}

/**
 * As `fetch`, but a connection that did not come about is tried again: on a machine busy with other tests the ten seconds that Node gives it may pass
 * before Node looks. Nothing was sent then, so nothing is done twice.
 */
async function fetchPatiently(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const request = new Request(input, init);
  for (let left = 5; ; left--) {
    try {
      return await fetch(request.clone());
    } catch (error) {
      const cause = codeOf(causeOf(error));
      if (left > 0 && ['UND_ERR_CONNECT_TIMEOUT', 'ECONNREFUSED'].includes(cause)) continue;
      throw new Error(`The request to ${request.url} failed: ${String(causeOf(error))} ${cause}`, { cause: error });
    }
  }
}

function causeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'cause' in error ? error.cause : error;
}
