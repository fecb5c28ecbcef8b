// A real Jupyter server with our kernel in it, on a port of its own and with nothing of the person's: configuration, kernels, runtime files
// and Cellburst's own state lie in a directory that is gone afterwards. The demo uses it too.
import { ServerConnection, SessionAPI } from '@jupyterlab/services';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { Notebook } from './notebook';
import { codeOf, endProcesses } from './processes';

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 15_000;
/** Not what the tests are about, and a second of start-up. */
const UNUSED_EXTENSIONS = ['jupyter_lsp', 'notebook_shim', 'jupyter_server_terminals'];

export interface ServerOptions {
  /** The clone whose dist/ and .cache/python are used. */
  readonly root?: string;
  /** The Node that runs the kernel: its path. */
  readonly node?: string;
  /** Where notebooks lie; a temporary directory by default. */
  readonly directory?: string;
  /** Serve JupyterLab too, with its application as `window.jupyterapp`. */
  readonly lab?: boolean;
  /** Further variables for the kernels. */
  readonly environment?: Readonly<Record<string, string>>;
}

// The client tells of every connection that it opens or loses; in a test's or the demo's output that is noise.
const NOISE = /^(Starting WebSocket|Kernel: |Connection lost, reconnecting)/;
for (const level of ['debug', 'warn'] as const) {
  const write = console[level].bind(console);
  console[level] = (...line: unknown[]): void => {
    if (typeof line[0] !== 'string' || !NOISE.test(line[0])) write(...line);
  };
}

interface Places {
  readonly home: string;
  readonly state: string;
  readonly notebooks: string;
}

export class JupyterServer implements AsyncDisposable {
  readonly directory: string;
  /** Cellburst's state: job records and what belongs to them. */
  readonly stateDirectory: string;
  /** What all kernels of this server have in their environment. */
  readonly environment: NodeJS.ProcessEnv;
  readonly settings: ServerConnection.ISettings;
  readonly #home: string;
  readonly #process: ChildProcess;
  readonly #notebooks = new Set<Notebook>();

  constructor(process: ChildProcess, places: Places, environment: NodeJS.ProcessEnv, url: string, token: string) {
    this.#process = process;
    this.#home = places.home;
    this.directory = places.notebooks;
    this.stateDirectory = places.state;
    this.environment = environment;
    this.settings = ServerConnection.makeSettings({
      baseUrl: url,
      wsUrl: url.replace(/^http/, 'ws'),
      token,
      // Node 20 has no WebSocket, and the one of Node 22 does not take headers. The two types differ in details of their events only.
      WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
      fetch: fetchPatiently,
      init: { cache: 'no-store' },
    });
  }

  /** A new notebook with a kernel that has answered. `path` is relative to the server's directory; the file need not exist. */
  async openNotebook(path = `notebook-${randomUUID().slice(0, 8)}.ipynb`, kernel = 'cellburst'): Promise<Notebook> {
    const asked = { path, name: path, type: 'notebook', kernel: { name: kernel } };
    const notebook = new Notebook(await SessionAPI.startSession(asked, this.settings), this.settings);
    this.#notebooks.add(notebook);
    await notebook.ready();
    return notebook;
  }

  /** Ends the kernels, the server, and every process that they started. */
  async close(): Promise<void> {
    try {
      if (this.#process.exitCode === null) await Promise.all([...this.#notebooks].map((notebook) => notebook.close()));
    } finally {
      await stop(this.#process);
      await endProcesses(`CELLBURST_STATE_DIR=${this.stateDirectory}`);
      rmSync(this.#home, { recursive: true, force: true, maxRetries: 5 });
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
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

/** The Node for kernels: the tests set it to run the same suite on another version. */
export function kernelNode(): string {
  return process.env['CELLBURST_KERNEL_NODE'] ?? process.execPath;
}

export async function startServer(options: ServerOptions = {}): Promise<JupyterServer> {
  const root = options.root ?? join(__dirname, '..', '..');
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'cellburst-')));
  const places = { home, state: join(home, 'state'), notebooks: options.directory ?? join(home, 'notebooks') };
  const token = randomBytes(24).toString('hex');
  try {
    const environment = { ...jupyterEnvironment(places), ...options.environment };
    for (const name of ['notebooks', 'config', 'data', 'runtime', 'run'])
      mkdirSync(join(home, name), { recursive: true });
    writeFileSync(join(home, 'config', 'jupyter_server_config.json'), configuration(token, options.lab ?? false), {
      mode: 0o600,
    });
    installKernel(options.node ?? kernelNode(), root, home, environment);
    const server = spawn(pythonOf(root), ['-m', 'jupyter_server', `--ServerApp.root_dir=${places.notebooks}`], {
      cwd: places.notebooks,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { url } = await addressOf(server, join(home, 'runtime'));
    return new JupyterServer(server, places, environment, url, token);
  } catch (error) {
    rmSync(home, { recursive: true, force: true });
    throw error;
  }
}

function jupyterEnvironment(places: Places): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(JUPYTER|JPY|IPYTHON|CELLBURST|JEST)_|^NODE_ENV$/.test(name),
  );
  return {
    ...Object.fromEntries(inherited),
    JUPYTER_CONFIG_DIR: join(places.home, 'config'),
    JUPYTER_DATA_DIR: join(places.home, 'data'),
    JUPYTER_RUNTIME_DIR: join(places.home, 'runtime'),
    JUPYTER_PATH: join(places.home, 'share', 'jupyter'),
    JUPYTER_PLATFORM_DIRS: '1',
    XDG_RUNTIME_DIR: join(places.home, 'run'),
    CELLBURST_STATE_DIR: places.state,
    CELLBURST_AGENT_IDLE_SECONDS: '20',
  };
}

function configuration(token: string, lab: boolean): string {
  return JSON.stringify({
    IdentityProvider: { token },
    ServerApp: {
      ip: '127.0.0.1',
      port: 0,
      open_browser: false,
      // Asked of whoever works in a container as root; the server listens on loopback only.
      allow_root: process.getuid?.() === 0,
      jpserver_extensions: {
        jupyterlab: lab,
        ...Object.fromEntries(UNUSED_EXTENSIONS.map((name) => [name, false])),
      },
    },
    LabApp: { expose_app_in_browser: true },
  });
}

/** The way a person installs it, with the Node that shall run the kernel. */
function installKernel(node: string, root: string, prefix: string, environment: NodeJS.ProcessEnv): void {
  execFileSync(node, [join(root, 'dist', 'cli.js'), 'install', '--prefix', prefix], {
    env: environment,
    stdio: 'pipe',
  });
}

function pythonOf(root: string): string {
  const home = join(root, '.cache', 'python');
  return process.platform === 'win32' ? join(home, 'Scripts', 'python.exe') : join(home, 'bin', 'python');
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

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGTERM');
  const late = setTimeout(() => server.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(late);
}
