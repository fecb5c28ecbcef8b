// Where the tests of the command line take place: a folder with a state of its own, and the real program in it. All that was started is ended.
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { IN_TERMINAL, Terminal } from '../frontends/terminal';
import { endProcesses } from '../notebook/processes';
import { pythonOf } from '../notebook/server';

export const ROOT = resolve(__dirname, '..', '..');
const CLI = join(ROOT, 'dist', 'cli.js');

export interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export class Place implements AsyncDisposable {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'cb-cli-')));
  readonly environment: NodeJS.ProcessEnv;

  constructor() {
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^(CELLBURST|JEST|JPY)_|^(NODE_ENV|FORCE_COLOR|NO_COLOR|TERM|CI)$/.test(name),
    );
    this.environment = {
      ...Object.fromEntries(inherited),
      PATH: `${join(this.folder, 'bin')}:${process.env['PATH'] ?? ''}`,
      HOME: this.folder,
      TERM: 'xterm',
      CELLBURST_CONFIG: join(this.folder, 'config.yaml'),
      CELLBURST_STATE_DIR: join(this.folder, 'state'),
      CELLBURST_AGENT_IDLE_SECONDS: '20',
      XDG_RUNTIME_DIR: this.folder,
    };
    mkdirSync(join(this.folder, 'bin'));
    const command = join(this.folder, 'bin', 'cellburst');
    writeFileSync(command, `#!/bin/sh\nexec "${process.execPath}" "${CLI}" "$@"\n`);
    chmodSync(command, 0o755);
  }

  write(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  start(args: readonly string[]): ChildProcess {
    return spawn(process.execPath, [CLI, ...args], {
      cwd: this.folder,
      env: this.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  run(...args: string[]): Promise<Said> {
    return said(this.start(args));
  }

  /** At a terminal, with somebody who types. */
  atTerminal(program: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): Terminal {
    const env = { ...this.environment, ...environment };
    return new Terminal(
      spawn(pythonOf(ROOT), ['-c', IN_TERMINAL, program, ...args], {
        cwd: this.folder,
        env,
        stdio: ['pipe', 'pipe', 'pipe'],
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endProcesses(`CELLBURST_STATE_DIR=${join(this.folder, 'state')}`);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

export function said(child: ChildProcess): Promise<Said> {
  const told = { out: '', err: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (told.out += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (told.err += text));
  return new Promise((done) => child.once('close', (code) => done({ code, ...told })));
}
