// JupyterLab in a real browser, as a person has it: a server of its own with our extension installed the way people install it, and a headless
// Chromium. What the tests look at is what is on the screen.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Locator, type Page } from 'playwright-core';
import { connectAgent, type AgentConnection } from '../../magics/client';
import type { JobRecord, JobSpec } from '../../magics/protocol/job';
import { specOf, until, writeBundle } from '../agent/setting';
import { isAlive, processesWith, send, type Leftover } from '../notebook/processes';
import { startServer, type JupyterServer } from '../notebook/server';

const PROGRAMS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/** A Chromium on this machine; CELLBURST_CHROMIUM names another one. */
export function findChromium(): string | undefined {
  const asked = process.env['CELLBURST_CHROMIUM'];
  return asked ?? PROGRAMS.find((program) => existsSync(program));
}

/** Why nothing can be tested in a browser here. */
export const noChromium =
  findChromium() === undefined ? 'there is no Chromium; CELLBURST_CHROMIUM may name one' : undefined;

/** Nothing that looks for the network by itself. */
const ARGUMENTS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
];

type Environment = Readonly<Record<string, string | undefined>>;

/** Gives what was there before. */
function replaceEnvironment(wanted: Environment): Environment {
  const before = Object.fromEntries(Object.keys(wanted).map((name) => [name, process.env[name]]));
  for (const [name, value] of Object.entries(wanted)) {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  }
  return before;
}

export class Lab implements AsyncDisposable {
  readonly server: JupyterServer;
  readonly browser: BrowserContext;
  /** Of the same person as the notebooks: what it submits, the panel shows. */
  readonly agent: AgentConnection;
  readonly #profile: string;
  readonly #before: Environment;

  private constructor(parts: Pick<Lab, 'server' | 'browser' | 'agent'>, profile: string, before: Environment) {
    this.server = parts.server;
    this.browser = parts.browser;
    this.agent = parts.agent;
    this.#profile = profile;
    this.#before = before;
  }

  /** `environment`: for the server, its kernels and the agent; the person's own config is never touched. `beforeAgent` may start another one. */
  static async start(
    environment: Readonly<Record<string, string>> = {},
    beforeAgent: (stateDirectory: string) => Promise<void> = () => Promise.resolve(),
  ): Promise<Lab> {
    const executablePath = findChromium();
    if (executablePath === undefined) throw new Error(`Not here: ${noChromium ?? ''}.`);
    const profile = mkdtempSync(join(tmpdir(), 'cellburst-browser-'));
    const own = { CELLBURST_CONFIG: join(profile, 'config.yaml'), ...environment };
    const server = await startServer({ lab: true, environment: own });
    // The agent is started by us as well as by kernels, and its socket is found by the runtime directory.
    const wanted: Environment = { ...own, XDG_RUNTIME_DIR: server.environment['XDG_RUNTIME_DIR'] };
    const before = replaceEnvironment(wanted);
    try {
      silenceNews(server);
      const program = join(__dirname, '..', '..', 'dist', 'agent.js');
      await beforeAgent(server.stateDirectory);
      const agent = await connectAgent({ stateDirectory: server.stateDirectory, agent: [program] });
      const browser = await chromium.launchPersistentContext(profile, {
        executablePath,
        // Chromium's sandbox does not start for root.
        chromiumSandbox: process.getuid?.() !== 0,
        args: ARGUMENTS,
        viewport: { width: 1280, height: 800 },
      });
      browser.setDefaultTimeout(30_000);
      return new Lab({ server, browser, agent }, profile, before);
    } catch (error) {
      await server.close();
      replaceEnvironment(before);
      rmSync(profile, { recursive: true, force: true });
      throw error;
    }
  }

  /** Submits a job whose cell runs this JavaScript, see writeBundle. */
  async submit(code: string, spec: Partial<JobSpec> = {}): Promise<JobRecord> {
    const job = await this.agent.create({ ...specOf(), ...spec });
    await writeBundle(job.directory, code);
    return this.agent.submit(job.id);
  }

  /** The config file that kernels and agent read. */
  get config(): string {
    return join(this.#profile, 'config.yaml');
  }

  async killServer(): Promise<void> {
    const [server] = this.#servers();
    if (!server) throw new Error('The Jupyter server is not running.');
    send(server.pid, 'SIGKILL');
    await until('the server has ended', () => !isAlive(server.pid));
  }

  /** Where it was before. Its end is seen to when everything of this test is ended. */
  async restartServer(): Promise<void> {
    const { server } = this;
    const { port } = new URL(server.settings.baseUrl);
    const python = join(__dirname, '..', '..', '.cache', 'python', 'bin', 'python');
    const place = [
      `--ServerApp.root_dir=${server.directory}`,
      `--ServerApp.port=${port}`,
      '--ServerApp.port_retries=0',
    ];
    spawn(python, ['-m', 'jupyter_server', ...place], {
      cwd: server.directory,
      env: server.environment,
      stdio: 'ignore',
    }).unref();
    await until('the server runs again', () => this.#servers().length > 0);
  }

  #servers(): Leftover[] {
    const all = processesWith(`CELLBURST_STATE_DIR=${this.server.stateDirectory}`);
    return all.filter(({ command }) => command.includes('-m jupyter_server'));
  }

  /** Writes a notebook with these code cells; their ids are c1, c2 … */
  writeNotebook(path: string, cells: readonly string[]): void {
    const kernelspec = { name: 'cellburst', display_name: 'TypeScript (Cellburst)', language: 'typescript' };
    const notebook = {
      ...{ nbformat: 4, nbformat_minor: 5, metadata: { kernelspec } },
      cells: cells.map((source, index) => ({
        ...{ cell_type: 'code', id: `c${index + 1}`, metadata: {}, source, outputs: [], execution_count: null },
      })),
    };
    writeFileSync(join(this.server.directory, path), JSON.stringify(notebook));
  }

  /** A new tab with JupyterLab, the panel in front. `path`: a notebook to open. */
  async open(path = '', beforeLoading: (page: Page) => Promise<unknown> = () => Promise.resolve()): Promise<LabPage> {
    const page = await this.browser.newPage();
    await beforeLoading(page);
    const { baseUrl, token } = this.server.settings;
    const tree = path === '' ? 'lab' : `lab/tree/${path}`;
    await page.goto(`${baseUrl}${tree}?token=${token}&reset`);
    const lab = new LabPage(page);
    await lab.ready();
    return lab;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close();
    for (const { id, status } of await this.agent.jobs())
      if (status.state === 'running' || status.state === 'queued') await this.agent.cancel(id);
    await this.agent[Symbol.asyncDispose]();
    await this.server.close();
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
    replaceEnvironment(this.#before);
  }
}

/** JupyterLab would ask for news of the project over the network. */
function silenceNews({ environment }: JupyterServer): void {
  const settings = join(
    environment['JUPYTER_CONFIG_DIR'] ?? '',
    ...['lab', 'user-settings', '@jupyterlab', 'apputils-extension'],
  );
  mkdirSync(settings, { recursive: true });
  const quiet = { checkForUpdates: false, fetchNews: 'false' };
  writeFileSync(join(settings, 'notification.jupyterlab-settings'), JSON.stringify(quiet));
}

export class LabPage {
  readonly page: Page;
  /** What nobody caught in the page. */
  readonly errors: string[] = [];

  constructor(page: Page) {
    this.page = page;
    page.on('pageerror', (error) => {
      const text = error.stack ?? error.message;
      // JupyterLab rejects with nothing at all when a kernel goes while it asks; what is ours says what it is.
      if (text !== '') this.errors.push(text);
    });
  }

  get panel(): Locator {
    return this.page.locator('#cellburst-jobs');
  }

  async ready(): Promise<void> {
    await this.page.locator('.jp-SideBar .lm-TabBar-tab[data-id="cellburst-jobs"]').waitFor({ timeout: 60_000 });
    await this.page.locator('#jupyterlab-splash').waitFor({ state: 'detached' });
  }

  async showPanel(): Promise<void> {
    await this.command('cellburst:show-jobs');
    await this.panel.waitFor();
  }

  async command(id: string, args: Record<string, unknown> = {}): Promise<void> {
    // The function runs in the page, where JupyterLab was told to show itself.
    await this.page.evaluate(
      ([command, options]) =>
        (window as unknown as JupyterWindow).jupyterapp.commands.execute(command, options).then(() => undefined),
      [id, args] as const,
    );
  }

  row(job: string): Locator {
    return this.panel.locator(`[role=row][data-job="${job}"]`);
  }
}

interface JupyterWindow {
  readonly jupyterapp: { readonly commands: { execute(id: string, args: unknown): Promise<unknown> } };
}
