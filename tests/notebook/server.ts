// A real Jupyter server with our kernel in it, on a port of its own and with nothing of the person's: configuration, kernels, runtime files
// and Cellburst's own state lie in a directory that is gone afterwards. The demo uses it too.
import { SessionAPI, type ServerConnection } from '@jupyterlab/services';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectionTo } from './connection';
import { addressOf, freePort, stopServer } from './jupyter-process';
import { Notebook } from './notebook';
import { endProcesses } from './processes';

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

export interface Places {
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
    this.settings = connectionTo(url, token);
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
      await stopServer(this.#process);
      await endProcesses(`CELLBURST_STATE_DIR=${this.stateDirectory}`);
      rmSync(this.#home, { recursive: true, force: true, maxRetries: 5 });
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
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
    makeFolders(home);
    writeFileSync(
      join(home, 'config', 'jupyter_server_config.json'),
      configuration(token, await freePort(), options.lab ?? false),
      {
        mode: 0o600,
      },
    );
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

/** What a Jupyter of its own needs below its home. */
export function makeFolders(home: string): void {
  for (const name of ['notebooks', 'config', 'data', 'runtime', 'run'])
    mkdirSync(join(home, name), { recursive: true });
}

/** Nothing of the person's own Jupyter. */
export function jupyterEnvironment(places: Places): NodeJS.ProcessEnv {
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

function configuration(token: string, port: number, lab: boolean): string {
  return JSON.stringify({
    IdentityProvider: { token },
    ServerApp: {
      ip: '127.0.0.1',
      port,
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
export function installKernel(node: string, root: string, prefix: string, environment: NodeJS.ProcessEnv): void {
  execFileSync(node, [join(root, 'dist', 'cli.js'), 'install', '--prefix', prefix], {
    env: environment,
    stdio: 'pipe',
  });
}

export function pythonOf(root: string): string {
  const home = join(root, '.cache', 'python');
  return process.platform === 'win32' ? join(home, 'Scripts', 'python.exe') : join(home, 'bin', 'python');
}
