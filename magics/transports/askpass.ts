// Questions of the user's own `ssh` on their way to a person: ssh(1) runs a program for each of them (SSH_ASKPASS), which hands it over a socket that only
// we can reach, and prints the answer. Nothing of it touches a disk.
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { messageOf } from '../protocol/errors';
import { writeWhole } from '../protocol/files';
import { stateDirectory } from '../protocol/platform';
import type { Ask } from './ask';
import { commandLine } from './shell';

/** Leaves with 1 when there is no answer: for ssh that is a question that was waved away. */
const PROGRAM = `
const socket = require('node:net').connect(process.env.CELLBURST_ASKPASS);
let answer = '';
socket.setEncoding('utf8').on('data', (piece) => (answer += piece));
socket.on('error', () => process.exit(1));
socket.on('end', () => { if (answer === '') process.exit(1); process.stdout.write(answer.slice(1) + '\\n'); });
socket.end(process.argv[1] ?? '');
`.trim();

export class Askpass implements AsyncDisposable {
  /** The question that nobody answered: to go on without its answer leads nowhere. */
  unanswered: string | undefined;
  readonly #server: Server;
  readonly #path: string;

  private constructor(server: Server, path: string) {
    this.#server = server;
    this.#path = path;
  }

  /** `path`: a socket in a directory of our own. `host` is who asks, for people. */
  static async open(path: string, host: string, ask: Ask, signal: AbortSignal, gaveUp: () => void): Promise<Askpass> {
    const answer = async (socket: Socket): Promise<void> => {
      const question = await heard(socket);
      // ssh(1) says of no question whether its answer may be seen: of those that it asks itself only this one may.
      const isSecret = !/\(yes\/no/.test(question);
      const given = await ask({ host, text: question.trim().replaceAll(/\s*\n\s*/g, ' '), isSecret }, signal);
      if (given === undefined) {
        askpass.unanswered ??= question.trim();
        gaveUp();
      }
      socket.end(given === undefined ? '' : `.${given}`);
    };
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined);
      answer(socket).catch((error: unknown) => {
        askpass.unanswered ??= messageOf(error);
        socket.destroy();
      });
    });
    const askpass = new Askpass(server, path);
    rmSync(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
    chmodSync(path, 0o600);
    return askpass;
  }

  /** What an ssh that shall ask here has to find. */
  get environment(): Readonly<Record<string, string>> {
    return {
      SSH_ASKPASS: writeProgram(),
      SSH_ASKPASS_REQUIRE: 'force',
      // Before OpenSSH 8.4 it asks by a program only where it believes in a screen.
      DISPLAY: process.env['DISPLAY'] ?? 'none:0',
      CELLBURST_ASKPASS: this.#path,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    rmSync(this.#path, { force: true });
  }
}

/** All that it says. Reading it as an iterator would close the socket, which has to answer. */
function heard(socket: Socket): Promise<string> {
  let all = '';
  socket.setEncoding('utf8').on('data', (piece: string) => (all += piece));
  return new Promise((resolve) => {
    socket.once('end', () => {
      resolve(all);
    });
  });
}

/** One file without arguments, as ssh(1) wants it. In the state directory: what is made for sockets may be mounted noexec. */
function writeProgram(): string {
  const path = join(stateDirectory(), 'ssh-askpass');
  const source = `#!/bin/sh\nexec ${commandLine([process.execPath, '-e', PROGRAM])} -- "$1"\n`;
  if (existsSync(path) && readFileSync(path, 'utf8') === source) return path;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeWhole(path, source);
  chmodSync(path, 0o700);
  return path;
}
