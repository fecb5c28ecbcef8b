// JupyterLab in a real browser, as a person has it: a server of its own with our extension installed the way people install it, and a headless
// Chromium. What the tests look at is what is on the screen.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Locator, type Page } from 'playwright-core';
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

export class Lab implements AsyncDisposable {
  readonly server: JupyterServer;
  readonly browser: BrowserContext;
  readonly #profile: string;

  private constructor(server: JupyterServer, browser: BrowserContext, profile: string) {
    this.server = server;
    this.browser = browser;
    this.#profile = profile;
  }

  static async start(): Promise<Lab> {
    const executablePath = findChromium();
    if (executablePath === undefined) throw new Error('There is no Chromium on this machine.');
    const profile = mkdtempSync(join(tmpdir(), 'cellburst-browser-'));
    const server = await startServer({ lab: true });
    try {
      const browser = await chromium.launchPersistentContext(profile, {
        executablePath,
        // Chromium's sandbox does not start for root.
        chromiumSandbox: process.getuid?.() !== 0,
        args: ARGUMENTS,
        viewport: { width: 1280, height: 800 },
      });
      return new Lab(server, browser, profile);
    } catch (error) {
      await server.close();
      rmSync(profile, { recursive: true, force: true });
      throw error;
    }
  }

  /** A new tab with JupyterLab, the panel in front. `path`: a notebook to open. */
  async open(path = ''): Promise<LabPage> {
    const page = await this.browser.newPage();
    const { baseUrl, token } = this.server.settings;
    const tree = path === '' ? 'lab' : `lab/tree/${path}`;
    await page.goto(`${baseUrl}${tree}?token=${token}&reset`);
    const lab = new LabPage(page);
    await lab.ready();
    return lab;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close();
    await this.server.close();
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

export class LabPage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
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
