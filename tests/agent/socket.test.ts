// The agent's socket: private, and patient with nobody who does not speak its protocol.
import { chownSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { AgentConnection } from '../../magics/client';
import { FrameReader, encodeFrame } from '../../magics/protocol/frames';
import { AGENT_PROTOCOL } from '../../magics/protocol/messages';
import { agentSocket, identify } from '../../magics/protocol/platform';
import { Setting, run } from './setting';
import { testUnless } from '../unless';

const setting = new Setting();
let agent: AgentConnection;
beforeAll(async () => {
  agent = await setting.connect();
});
afterAll(async () => {
  await setting[Symbol.asyncDispose]();
});

function raw(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(agentSocket(setting.stateDirectory).path, () => {
      resolve(socket);
    });
    socket.once('error', reject);
  });
}

/** Everything the agent says until it closes. */
async function listen(socket: Socket): Promise<unknown[]> {
  const reader = new FrameReader();
  const messages: unknown[] = [];
  socket.on('data', (chunk: Buffer) => {
    for (const { message } of reader.push(chunk)) messages.push(message);
  });
  await new Promise<void>((resolve) => {
    socket.once('close', () => {
      resolve();
    });
  });
  return messages;
}

const hello = { type: 'hello', protocol: AGENT_PROTOCOL, version: 'test', client: identify(process.pid) };

test('socket and directory belong to the user alone', () => {
  const { path } = agentSocket(setting.stateDirectory);
  expect(lstatSync(path).mode & 0o777).toBe(0o600);
  expect(lstatSync(dirname(path)).mode & 0o777).toBe(0o700);
  expect(Buffer.byteLength(path)).toBeLessThanOrEqual(103);
});

const canPretend = process.platform !== 'win32' && process.getuid?.() === 0;
testUnless(canPretend ? undefined : 'only root can make one')(
  'a socket in a directory of somebody else is not talked to',
  async () => {
    const other = new Setting();
    const before = process.env['XDG_RUNTIME_DIR'];
    process.env['XDG_RUNTIME_DIR'] = other.stateDirectory;
    try {
      const { directory = '' } = agentSocket(other.stateDirectory);
      mkdirSync(directory, { recursive: true });
      chownSync(directory, 65_534, 65_534);
      await expect(other.connect()).rejects.toThrow('not a directory of this user');
    } finally {
      if (before === undefined) delete process.env['XDG_RUNTIME_DIR'];
      else process.env['XDG_RUNTIME_DIR'] = before;
      await other[Symbol.asyncDispose]();
    }
  },
);

const header = (message: number, bytes: number): Buffer => {
  const out = Buffer.alloc(8);
  out.writeUInt32LE(message, 0);
  out.writeUInt32LE(bytes, 4);
  return out;
};

test.each([
  ['plain text', [Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')]],
  ['random bytes', [Buffer.from(Array.from({ length: 4096 }, (_, n) => (n * 7919 + 13) % 251))]],
  ['a length of 4 GB', [header(0xffffffff, 0xffffffff)]],
  ['a message that is no text of ours', [header(3, 0), Buffer.from('{{{')]],
  ['a message of another shape', encodeFrame({ message: { type: 'hello' } })],
  ['a request before the greeting', encodeFrame({ message: { type: 'request', id: 1, method: 'jobs', params: {} } })],
])('%s ends that connection and no other', async (_, pieces) => {
  const socket = await raw();
  const said = listen(socket);
  for (const piece of pieces) socket.write(piece);
  expect(await said).toEqual([]);
  expect((await run(agent, 'finish()')).status.state).toBe('completed');
});

test('a client whose runtime directory is another one finds the agent that is there', async () => {
  const before = process.env['XDG_RUNTIME_DIR'];
  const other = mkdtempSync(join(tmpdir(), 'cb-run-'));
  try {
    const first = await (await setting.connect()).status();
    process.env['XDG_RUNTIME_DIR'] = other;
    expect((await (await setting.connect()).status()).pid).toBe(first.pid);
  } finally {
    if (before === undefined) delete process.env['XDG_RUNTIME_DIR'];
    else process.env['XDG_RUNTIME_DIR'] = before;
    rmSync(other, { recursive: true, force: true });
  }
});

test('a frame cut short by a closed connection harms nobody', async () => {
  const socket = await raw();
  socket.write(header(1000, 0));
  socket.write('half');
  const said = listen(socket);
  socket.end();
  expect(await said).toEqual([]);
  expect((await agent.status()).connections).toBeGreaterThan(0);
});

test('unknown methods and wrong parameters are answered, each on its own', async () => {
  const socket = await raw();
  const said = listen(socket);
  for (const message of [
    hello,
    { type: 'request', id: 1, method: 'toString', params: {} },
    { type: 'request', id: 2, method: 'job', params: { id: 7 } },
    { type: 'request', id: 3, method: 'create', params: { spec: { name: 'x' } } },
    { type: 'request', id: 4, method: 'output', params: { id: 'none', from: -1 } },
    { type: 'credit', id: 99, bytes: 5 },
    { type: 'stop', id: 99 },
    { type: 'request', id: 5, method: 'jobs', params: {} },
  ])
    for (const piece of encodeFrame({ message })) socket.write(piece);
  setTimeout(() => socket.end(), 300);
  const answers = await said;
  expect(answers).toContainEqual(expect.objectContaining({ type: 'welcome', protocol: AGENT_PROTOCOL }));
  for (const id of [1, 2, 3, 4])
    expect(answers).toContainEqual(expect.objectContaining({ type: 'failure', id, code: 'PROTOCOL' }));
  expect(answers).toContainEqual(expect.objectContaining({ type: 'reply', id: 5 }));
});

test('a client of another protocol is told which one is spoken here', async () => {
  const socket = await raw();
  const said = listen(socket);
  for (const piece of encodeFrame({ message: { ...hello, protocol: 999 } })) socket.write(piece);
  expect(await said).toEqual([expect.objectContaining({ type: 'refused', protocol: AGENT_PROTOCOL })]);
});

test('a client is refused while an agent of a newer Cellburst holds the state directory', async () => {
  const other = new Setting();
  try {
    const lock = { protocol: AGENT_PROTOCOL + 1, host: hostOf(), process: identify(process.pid) };
    writeFileSync(join(other.stateDirectory, 'agent.lock'), JSON.stringify(lock));
    await expect(other.connect()).rejects.toThrow('A newer Cellburst is in use');
  } finally {
    writeFileSync(join(other.stateDirectory, 'agent.lock'), JSON.stringify({ process: { pid: 2 ** 30 } }));
    await other[Symbol.asyncDispose]();
  }
});

function hostOf(): string {
  const lock: unknown = JSON.parse(readFileSync(join(setting.stateDirectory, 'agent.lock'), 'utf8'));
  return typeof lock === 'object' && lock !== null && 'host' in lock ? String(lock.host) : '';
}
