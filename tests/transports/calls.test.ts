// Ways to an agent that nobody can reach: it calls with its job's key, or both sides speak through files.
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import { Callers, FileStream, keepCalling, readKey, writeKey } from '../../magics/transports';

const directory = mkdtempSync(join(tmpdir(), 'cellburst-calls-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** Without closing the other direction at the end. */
function readAll(stream: Duplex): Promise<Buffer> {
  const pieces: Buffer[] = [];
  stream.on('data', (piece: Buffer) => pieces.push(piece));
  return new Promise((resolve) =>
    stream.once('end', () => {
      resolve(Buffer.concat(pieces));
    }),
  );
}

describe('through files', () => {
  test('bytes arrive in both directions, in order, and so does the end; what was read is gone', async () => {
    const folder = join(directory, 'stream');
    mkdirSync(folder);
    const call = new FileStream(folder, 'call');
    const answer = new FileStream(folder, 'answer');
    const [up, down] = [randomBytes(3_000_000), randomBytes(10)];
    for (let at = 0; at < up.length; at += 100_000) call.write(up.subarray(at, at + 100_000));
    call.end();
    answer.end(down);
    const [heard, told] = await Promise.all([readAll(answer), readAll(call)]);
    expect(heard.equals(up)).toBe(true);
    expect(told).toEqual(down);
  });

  test('a folder that is taken away ends the stream, without an error', async () => {
    const folder = join(directory, 'gone');
    mkdirSync(folder);
    const stream = new FileStream(folder, 'call');
    const closed = new Promise((resolve) => stream.once('close', resolve));
    stream.resume();
    rmSync(folder, { recursive: true });
    await closed;
  });
});

describe('a worker that calls', () => {
  const callers = new Callers('127.0.0.1', () => undefined);
  const stop = new AbortController();
  const keyFile = join(directory, 'key');
  const placeFile = join(directory, 'listen.json');
  afterAll(async () => {
    stop.abort();
    await callers[Symbol.asyncDispose]();
  });

  test('is heard when it knows the key of its job, and again after its connection was lost', async () => {
    writeKey(keyFile);
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    await callers.expect('job1', readKey(keyFile) ?? Buffer.alloc(0), placeFile);
    void keepCalling(
      { name: 'job1', keyFile, placeFile },
      (socket) => {
        socket.pipe(socket);
      },
      stop.signal,
    );
    for (const word of ['first', 'second']) {
      const line = await callers.take('job1', 20_000, stop.signal);
      const echo = new Promise((resolve) => line?.once('data', resolve));
      line?.write(word);
      expect(String(await echo)).toBe(word);
      line?.destroy();
    }
  });

  test.each([
    ['another key', 'job1', randomBytes(32)],
    ['the name of a job that is not waited for', 'job2', randomBytes(32)],
  ])('is refused with %s', async (_, identity, psk) => {
    const { port } = JSON.parse(readFileSync(placeFile, 'utf8')) as { port: number };
    const socket = connect({
      ...{ host: '127.0.0.1', port, maxVersion: 'TLSv1.2', checkServerIdentity: () => undefined },
      ciphers: 'ECDHE-PSK-CHACHA20-POLY1305:DHE-PSK-AES256-GCM-SHA384',
      pskCallback: () => ({ psk, identity }),
    });
    const end = await new Promise((resolve) => {
      socket.once('secureConnect', () => {
        resolve('in');
      });
      socket.once('error', () => {
        resolve('refused');
      });
    });
    expect(end).toBe('refused');
  });

  test('is not waited for without an end', async () => {
    await callers.expect('silent', randomBytes(32), join(directory, 'other.json'));
    expect(await callers.take('silent', 50, stop.signal)).toBe(undefined);
  });
});
