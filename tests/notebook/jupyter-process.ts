// The process of a Jupyter server: where it may listen, where it does, and its end.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 15_000;

/**
 * A port that was free a moment ago. Jupyter takes another one if it no longer is, and tells which; asked for any (port 0), older versions
 * do not tell.
 */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await once(probe.listen(0, '127.0.0.1'), 'listening');
  const address = probe.address();
  await once(probe.close(), 'close');
  if (address === null || typeof address === 'string') throw new Error('A socket has no port.');
  return address.port;
}

interface Address {
  readonly url: string;
  readonly token: string;
}

/** Waits for a server just started: it writes its address into its runtime directory when it listens. */
export async function addressOf(server: ChildProcess, runtimeDirectory: string): Promise<Address> {
  let log = '';
  for (const stream of [server.stdout, server.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-20_000);
    });
  let failure: string | undefined;
  server.once('error', (error) => (failure = `${error.message}. Run \`npm run setup\` first.`));
  server.once('exit', (code, signal) => (failure ??= `it ended with ${signal ?? `exit code ${String(code)}`}`));
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (failure === undefined && Date.now() < deadline) {
    const file = readdirSync(runtimeDirectory).find((name) => /^jpserver-\d+\.json$/.test(name));
    const address = file === undefined ? undefined : parseAddress(readFileSync(join(runtimeDirectory, file), 'utf8'));
    if (address !== undefined) return address;
    await sleep(50);
  }
  server.kill('SIGKILL');
  throw new Error(`Jupyter has not started: ${failure ?? `no address after ${START_TIMEOUT_MS / 1000} s`}\n${log}`);
}

/** Undefined while the file is being written. */
function parseAddress(text: string): Address | undefined {
  const url = /"url":\s*"([^"]+)"/.exec(text)?.[1];
  const token = /"token":\s*"([^"]*)"/.exec(text)?.[1];
  return url === undefined || token === undefined ? undefined : { url, token };
}

/** Asks it to end, and ends it if it does not listen. */
export async function stopServer(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGTERM');
  const late = setTimeout(() => server.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(late);
}
