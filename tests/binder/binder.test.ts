// Binder's files without a container: the very scripts, in a clean home, as an unprivileged user, with a real Slurm.
// The whole of it (packages, build, JupyterLab, a browser) is `npm run test:binder`; here the start and the demo's cells.
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { parse } from 'yaml';
import { said } from '../cli/place';
import { findChromium } from '../labextension/browser';
import { addressOf } from '../notebook/jupyter-process';
import { Unprivileged } from './unprivileged';

const ROOT = join(__dirname, '..', '..');
const TIMEOUT = 240_000;
const FULL_TIMEOUT = 1_200_000;
const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8');
const opened = Unprivileged.open();
const describeIf = opened.ok ? describe : describe.skip;
const why = opened.ok ? '' : ` (not tested: ${opened.reason})`;
const IS_FULL = process.env['CELLBURST_BINDER'] === 'full';

/** Waits until Slurm is up, then becomes the program. */
const WHEN_UP =
  'for turn in $(seq 300); do grep -q "^Slurm is up" "$CELLBURST_SLURM/start.log" && break; sleep 0.2; done; exec "$@"';

test('the pinned JupyterLab is the one that the extension is built for, and the pinned Node one that runs us', () => {
  const { dependencies } = parse(read('binder/environment.yml')) as { dependencies: string[] };
  const pinned = Object.fromEntries(dependencies.map((line) => line.split(/=(.*)/) as [string, string]));
  const { devDependencies } = JSON.parse(read('labextension/package.json')) as {
    devDependencies: Record<string, string>;
  };
  const [major, minor] = (devDependencies['@jupyterlab/core-meta'] ?? '').split('.');
  expect(pinned['jupyterlab']).toBe(`${major}.${minor}.*`);
  expect(Number(pinned['nodejs']?.split('.')[0])).toBeGreaterThanOrEqual(22);
  expect(read('binder/apt.txt').trim().split('\n')).toEqual(['slurm-wlm', 'slurm-client', 'munge']);
});

describeIf(`as an unprivileged user${why}`, () => {
  if (!opened.ok) return;
  const { user } = opened;
  afterAll(() => user[Symbol.asyncDispose](), TIMEOUT);

  test(
    'the start brings up a real Slurm, and the cells of the demo run as its jobs',
    async () => {
      for (const name of ['slurm.ipynb', 'hudson-bay.csv'])
        copyFileSync(join(ROOT, 'examples', name), join(user.home, name));
      user.own();
      const cellburst = [process.execPath, join(ROOT, 'dist', 'cli.js')];
      const command = [join(ROOT, 'binder', 'start'), 'bash', '-c', WHEN_UP, 'bash', ...cellburst] as const;
      const { code, out, err } = await said(user.start([...command, 'run', 'slurm.ipynb']));
      if (code !== 0) throw new Error(`${out}\n${err}\n${readFileSync(join(user.slurm, 'start.log'), 'utf8')}`);
      expect(out).toMatch(/24 walks on \S+, job \d+\n/);
      expect(out).toMatch(/\[ true, true \]/);
      // Slurm's own word for it.
      expect(readFileSync(join(user.slurm, 'log', 'jobs.txt'), 'utf8')).toMatch(/JobId=1 .*JobState=COMPLETED/);
      const down = await said(user.start(['bash', join(ROOT, 'binder', 'slurm.sh'), 'down']));
      expect(down.code).toBe(0);
    },
    TIMEOUT,
  );

  test('where Slurm cannot come up, the notebooks start all the same', async () => {
    const start = user.start([join(ROOT, 'binder', 'start'), 'echo', 'JupyterLab'], {
      environment: { CELLBURST_SLURM: '/proc/nowhere' },
    });
    expect(await said(start)).toMatchObject({ code: 0, out: 'JupyterLab\n' });
  });

  if (!IS_FULL) return;
  test(
    'postBuild in a fresh clone, then JupyterLab by start, and a browser through the demo',
    async () => {
      const clone = join(user.home, 'clone');
      mkdirSync(clone);
      const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' }).split('\0');
      for (const name of tracked)
        if (name !== '' && existsSync(join(ROOT, name)))
          cpSync(join(ROOT, name), join(clone, name), { recursive: true });
      user.own();
      const python = join(user.home, 'python');
      const { dependencies } = parse(read('binder/environment.yml')) as { dependencies: string[] };
      const lab = dependencies.find((line) => line.startsWith('jupyterlab='))?.replace('=', '==') ?? '';
      const run = async (argv: readonly [string, ...string[]]): Promise<void> => {
        const { code, out, err } = await said(user.start(argv, { path: join(python, 'bin'), cwd: clone }));
        if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${String(code)}:\n${(out + err).slice(-3000)}`);
      };
      await run(['/usr/bin/python3', '-m', 'venv', python]);
      await run([join(python, 'bin', 'pip'), 'install', '--quiet', lab]);
      await run([join(clone, 'binder', 'postBuild')]);
      const runtime = join(user.home, 'runtime');
      mkdirSync(runtime);
      user.own();
      const server = user.start(
        [
          join(clone, 'binder', 'start'),
          'jupyter',
          'lab',
          '--no-browser',
          '--ip=127.0.0.1',
          '--LabApp.expose_app_in_browser=True',
          `--ServerApp.root_dir=${clone}`,
        ],
        { path: join(python, 'bin'), cwd: clone, environment: { JUPYTER_RUNTIME_DIR: runtime } },
      );
      const { url, token } = await addressOf(server, runtime);
      const browser = await chromium.launch({
        executablePath: findChromium() ?? '',
        args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
      });
      try {
        const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
        page.setDefaultTimeout(120_000);
        await page.goto(`${url}lab/tree/examples/slurm.ipynb?token=${token}`);
        await page.locator('.jp-NotebookPanel .jp-Cell').first().waitFor();
        await page.waitForFunction(
          `(() => {
            const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
            return kernel?.connectionStatus === 'connected' && kernel.status === 'idle';
          })()`,
        );
        // Not awaited: it ends when the cells have.
        await page.evaluate(`void window.jupyterapp.commands.execute('notebook:run-all-cells')`);
        await page.getByText(/24 walks on \S+, job \d+/).waitFor();
        await page.getByText('[ true, true ]').waitFor();
      } finally {
        await browser.close();
        server.kill('SIGTERM');
      }
    },
    FULL_TIMEOUT,
  );
});
