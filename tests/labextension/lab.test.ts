// The job panel as a person meets it: a real JupyterLab in a real browser, real kernels, a real home agent, real jobs.
import { KernelAPI, SessionAPI } from '@jupyterlab/services';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobRecord } from '../../magics/protocol/job';
import { MONITOR_SESSION } from '../../magics/protocol/monitor';
import { ended, until } from '../agent/setting';
import { processesWith, send } from '../notebook/processes';
import { Lab, noChromium, type LabPage } from './browser';
import { describeUnless } from '../unless';

/** Processes are found by what /proc tells of them. */
const onLinux = process.platform === 'linux' ? test : test.skip;

/** Prints, and runs until the file `go` lies in its directory. */
const WAITING = `
  const fs = require('node:fs');
  print('started <b>here</b>\\n');
  const wait = () => (fs.existsSync(directory + '/go') ? (print('over\\n'), finish()) : setTimeout(wait, 10));
  wait();
`;

function letGo(job: JobRecord): void {
  writeFileSync(join(job.directory, 'go'), '');
}

describeUnless(noChromium, 'the job panel in JupyterLab', () => {
  let lab: Lab;
  let page: LabPage;
  beforeAll(async () => {
    lab = await Lab.start();
    lab.writeNotebook('study.ipynb', [
      'const base = 20;',
      'const answer = base * 2 + 2;\nanswer',
      '%%cluster --cores 1\nawait new Promise((resolve) => setTimeout(resolve, 120_000));',
    ]);
    page = await lab.open('study.ipynb');
  }, 120_000);
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  }, 60_000);

  const state = (job: string) => page.row(job).locator('.cb-Row-state').innerText();
  const stateIs = (job: string, word: string) =>
    until(`${job} is shown as ${word}`, async () => (await page.row(job).isVisible()) && (await state(job)) === word);

  test('says how to begin, and knows the cluster', async () => {
    await page.showPanel();
    await page.panel.getByText('No jobs yet. A cell that begins with %%cluster runs').waitFor();
    await page.panel.getByText(/0 of \d+ cores busy/).waitFor();
    await page.panel.getByText('live').waitFor();
  });

  test('a job is listed when it is submitted, and its end is seen without asking', async () => {
    const job = await lab.submit(WAITING, { name: 'quick <i>fit</i>' });
    await stateIs(job.id, 'Running');
    expect(await page.row(job.id).locator('.cb-Row-name').innerText()).toBe('quick <i>fit</i>');
    const started = Date.now();
    letGo(job);
    await stateIs(job.id, 'Done');
    // The cell process has to end as well; what a person must not see is a poll of seconds.
    expect(Date.now() - started).toBeLessThan(5000);
  });

  test('a log is shown as text, and grows', async () => {
    const job = await lab.submit(WAITING, { name: 'talks' });
    await stateIs(job.id, 'Running');
    await page.row(job.id).locator('.cb-Row-summary').click();
    await page.row(job.id).locator('[data-action=log]').click();
    const log = page.panel.getByRole('log');
    await log.getByText('started <b>here</b>').waitFor();
    letGo(job);
    await log.getByText('over').waitFor();
    await page.panel.getByRole('button', { name: 'Close the log' }).click();
    await log.waitFor({ state: 'detached' });
  });

  test('a job is cancelled: shown at once, true a little later', async () => {
    const job = await lab.submit(WAITING, { name: 'too long' });
    await stateIs(job.id, 'Running');
    await page.row(job.id).locator('.cb-Row-summary').click();
    await page.row(job.id).locator('[data-action=cancel]').click();
    expect(['Cancelling…', 'Cancelled']).toContain(await state(job.id));
    await stateIs(job.id, 'Cancelled');
    expect((await lab.agent.job(job.id)).status).toEqual({ state: 'cancelled', by: 'user' });
  });

  test('a job that ran out of memory says so, and is tried again with more', async () => {
    const job = await lab.submit(`const kept = []; for (;;) kept.push(Buffer.alloc(8e6, 1));`, {
      name: 'greedy',
      resources: { cores: 1, memoryMiB: 150 },
    });
    await stateIs(job.id, 'Out of memory');
    await page.row(job.id).locator('.cb-Row-summary').click();
    await page.row(job.id).getByRole('button', { name: 'Retry with 320 MB' }).click();
    const again = await until('there is a second one', async () =>
      (await lab.agent.jobs()).find(({ spec, id }) => spec.name === 'greedy' && id !== job.id),
    );
    expect(again.spec.resources).toEqual({ cores: 1, memoryMiB: 320 });
    await page.row(again.id).waitFor();
  });

  test('the words in the filter and the chips choose what is listed', async () => {
    const filter = page.panel.getByRole('searchbox');
    await filter.fill('greedy');
    await until('only those are listed', async () => (await page.panel.getByRole('row').count()) === 2);
    await filter.fill('');
    const chip = page.panel.locator('.cb-Chip[data-group=done]');
    await chip.click();
    expect(await chip.getAttribute('aria-pressed')).toBe('true');
    await until(
      'none is listed that failed',
      async () => (await page.panel.locator('[data-look=failed]').count()) === 0,
    );
    await chip.click();
  });

  test('the list is used by keyboard alone', async () => {
    const rows = page.panel.getByRole('row');
    await rows.first().focus();
    const id = await rows.first().getAttribute('data-job');
    const isOpen = await rows.first().getAttribute('aria-expanded');
    await page.page.keyboard.press(isOpen === 'true' ? 'ArrowLeft' : 'ArrowRight');
    expect(await page.row(id ?? '').getAttribute('aria-expanded')).toBe(isOpen === 'true' ? 'false' : 'true');
    await page.row(id ?? '').focus();
    await page.page.keyboard.press('End');
    const last = await rows.last().getAttribute('data-job');
    const focused = (): Promise<string | null> => page.panel.locator('[role=row]:focus').getAttribute('data-job');
    expect(await focused()).toBe(last);
  });

  test('a job opens in a tab of its own, with its log', async () => {
    const job = await lab.submit(`print('in its own tab\\n'); finish()`, { name: 'detailed' });
    await stateIs(job.id, 'Done');
    await page.row(job.id).locator('.cb-Row-summary').click();
    await page.row(job.id).locator('[data-action=open]').click();
    const tab = page.page.locator('.cb-Detail');
    await tab.getByText('in its own tab').waitFor();
    expect(await tab.locator('.cb-Facts').innerText()).toContain(job.id);
    await page.page.locator('#jp-main-dock-panel .lm-TabBar-tab', { hasText: 'study.ipynb' }).click();
  });

  test('the status bar counts, and brings the panel to the front', async () => {
    await page.command('filebrowser:activate');
    await page.panel.waitFor({ state: 'hidden' });
    await page.page.locator('.cb-StatusItem-button').click();
    await page.panel.waitFor();
  });

  test('a cell is sent to the cluster by the toolbar, carries a badge, and its result comes home', async () => {
    const cell = page.page.locator('.jp-Cell').nth(1);
    await page.page.locator('.jp-Cell').first().click();
    await page.command('notebook:run-cell-and-select-next');
    await cell.locator('.jp-InputArea-editor').click();
    await page.page.locator('.jp-NotebookPanel-toolbar [data-command="cellburst:run-on-cluster"]').click();
    await until('it is sent', async () =>
      (await lab.agent.jobs()).some(({ spec }) => spec.origin.cellId === 'c2' && spec.origin.client === 'kernel'),
    );
    expect(await cell.locator('.cm-content').innerText()).toMatch(/^%%cluster\n/);
    await cell.locator('.jp-OutputArea-executeResult').getByText('42').waitFor();
    await until('its badge is gone', async () => (await cell.locator('.cb-Badge').count()) === 0);
  });

  test('the badge of a cell that runs leads to its job, and the job leads back to its cell', async () => {
    const cell = page.page.locator('.jp-Cell').nth(2);
    await cell.locator('.jp-InputArea-editor').click();
    await page.page.keyboard.press('Shift+Enter');
    await cell.locator('.cb-Badge.cb-mod-running').waitFor();
    await page.page.locator('.jp-Cell').first().click();
    await cell.locator('.cb-Badge').click();
    const job = await cell.locator('.cb-Badge').getAttribute('data-job');
    const row = page.row(job ?? '');
    expect(await row.getAttribute('aria-expanded')).toBe('true');
    await row.locator('[data-action=cell]').click();
    await until('the cell is the active one', async () =>
      ((await cell.getAttribute('class')) ?? '').includes('jp-mod-active'),
    );
    await page.panel.getByRole('button', { name: 'Close the log' }).click();
  });

  test('the line of a cell that runs tells how it stands, and cancels its job', async () => {
    const cell = page.page.locator('.jp-Cell').nth(2);
    const line = cell.locator('.cb-Output-line');
    await line.getByText(/^Running · \d+:\d\d · 1 core · local$/).waitFor();
    const job = (await line.getAttribute('data-job')) ?? '';
    await line.getByRole('button', { name: 'Cancel' }).click();
    await stateIs(job, 'Cancelled');
    await line.getByText(/^Cancelled · /).waitFor();
  });

  test('a result that is in no notebook yet is brought home by a button', async () => {
    const job = await lab.submit(`print('brought home\\n'); finish()`, { name: 'detached' });
    await stateIs(job.id, 'Done');
    await page.row(job.id).locator('.cb-Row-summary').click();
    await page.row(job.id).locator('[data-action=attach]').click();
    await page.page.locator('.jp-OutputArea-output', { hasText: 'brought home' }).waitFor();
    await until('it is delivered', async () => (await lab.agent.job(job.id)).deliveredAt !== undefined);
    await page.row(job.id).locator('[data-action=attach]').waitFor({ state: 'detached' });
  });

  const monitors = (): number[] =>
    processesWith(`CELLBURST_STATE_DIR=${lab.server.stateDirectory}`)
      .filter(({ command, pid }) => command.includes('kernel.js') && isMonitor(pid))
      .map(({ pid }) => pid);

  test('two tabs share one monitor, and one whose connection is cut takes it up again', async () => {
    const cuts: (() => Promise<void>)[] = [];
    const second = await lab.open('', async (tab) => {
      await tab.routeWebSocket(/\/api\/kernels\//, (socket) => {
        socket.connectToServer();
        cuts.push(() => socket.close());
      });
    });
    await second.showPanel();
    const job = await lab.submit('finish()', { name: 'seen twice' });
    for (const tab of [page, second]) await tab.row(job.id).waitFor();
    if (process.platform === 'linux') expect(monitors()).toHaveLength(1);
    for (const cut of cuts) await cut();
    await second.panel.getByText('The connection to the Jupyter server is interrupted.').waitFor();
    const later = await lab.submit('finish()', { name: 'after the cut' });
    await second.row(later.id).waitFor();
    await second.panel.locator('.cb-Banner').waitFor({ state: 'detached' });
    expect(second.errors).toEqual([]);
    await second.page.close();
  });

  onLinux('the monitor is killed: the panel says so, and is live again by itself', async () => {
    const [pid = 0, ...others] = monitors();
    expect([pid > 0, others]).toEqual([true, []]);
    // It may be back before anybody has looked twice.
    const said = page.panel.evaluate(
      (panel) =>
        new Promise<boolean>((resolve) => {
          const look = (): void => {
            if (panel.querySelector('.cb-Banner') !== null) resolve(true);
          };
          new MutationObserver(look).observe(panel, { childList: true, subtree: true });
          setTimeout(resolve, 30_000, false);
        }),
    );
    send(pid, 'SIGKILL');
    expect(await said).toBe(true);
    const job = await lab.submit('finish()', { name: 'after the kill' });
    await page.row(job.id).waitFor();
    await page.panel.locator('.cb-Banner').waitFor({ state: 'detached' });
    expect(monitors()).not.toContain(pid);
  });

  test('a page that slept knows what has happened meanwhile', async () => {
    const devtools = await page.page.context().newCDPSession(page.page);
    await devtools.send('Page.setWebLifecycleState', { state: 'frozen' });
    const job = await lab.submit('finish()', { name: 'while it slept' });
    await ended(lab.agent, job);
    await devtools.send('Page.setWebLifecycleState', { state: 'active' });
    await stateIs(job.id, 'Done');
    await devtools.detach();
  });

  test('the page is loaded again: the jobs are there, and there is no second monitor', async () => {
    const before = monitors();
    await page.page.reload();
    await page.ready();
    await page.showPanel();
    const job = await lab.submit('finish()', { name: 'after the reload' });
    await stateIs(job.id, 'Done');
    if (process.platform === 'linux') expect(monitors()).toEqual(before);
  });

  onLinux('the home agent is killed: the list stays, and goes on with the next agent', async () => {
    const running = await lab.submit(WAITING, { name: 'outlives its agent' });
    await stateIs(running.id, 'Running');
    send(agentPid(), 'SIGKILL');
    letGo(running);
    await stateIs(running.id, 'Done');
    const job = await lab.submit('finish()', { name: 'with the next agent' });
    await stateIs(job.id, 'Done');
    await page.panel.locator('.cb-Health-age').getByText('live').first().waitFor();
  });

  test('the monitor is restarted by the person, and two tabs that begin at once end up with one', async () => {
    for (const { kernel } of await monitorSessions())
      if (kernel) await KernelAPI.restartKernel(kernel.id, lab.server.settings);
    const job = await lab.submit('finish()', { name: 'after the restart' });
    await stateIs(job.id, 'Done');
    await page.page.close();
    await shutDownMonitor();
    const tabs = await Promise.all([lab.open('study.ipynb'), lab.open()]);
    await Promise.all(tabs.map((tab) => tab.showPanel()));
    for (const tab of tabs) await tab.row(job.id).waitFor();
    await until('there is one session', async () => {
      for (const tab of tabs)
        await tab.page.evaluate(() =>
          (window as unknown as SessionWindow).jupyterapp.serviceManager.sessions.refreshRunning(),
        );
      return (await monitorSessions()).length === 1;
    });
    const last = await lab.submit('finish()', { name: 'seen by both' });
    for (const tab of tabs) await tab.row(last.id).waitFor();
    for (const tab of tabs) expect(tab.errors).toEqual([]);
    const [first, second] = tabs;
    await second.page.close();
    page = first;
  });

  const monitorSessions = async () =>
    (await SessionAPI.listRunning(lab.server.settings)).filter(({ path }) => path === MONITOR_SESSION);

  async function shutDownMonitor(): Promise<void> {
    for (const { id } of await monitorSessions()) await SessionAPI.shutdownSession(id, lab.server.settings);
  }

  function agentPid(): number {
    const lock = readFileSync(join(lab.server.stateDirectory, 'agent.lock'), 'utf8');
    return Number(/"pid":\s*(\d+)/.exec(lock)?.[1]);
  }

  test('the monitor is shut down by the person: the list stays, and a button brings it back', async () => {
    const before = await page.panel.getByRole('row').count();
    await page.page.evaluate(async (path) => {
      const { sessions } = (window as unknown as SessionWindow).jupyterapp.serviceManager;
      const model = await sessions.findByPath(path);
      if (model) await sessions.shutdown(model.id);
    }, MONITOR_SESSION);
    await page.panel.getByText('The monitor was stopped.').waitFor();
    expect(await page.panel.getByRole('row').count()).toBe(before);
    await page.panel.getByRole('button', { name: 'Reconnect' }).first().click();
    await page.panel.locator('.cb-Banner').waitFor({ state: 'detached' });
    const job = await lab.submit('finish()', { name: 'after the button' });
    await page.row(job.id).waitFor();
  });

  onLinux('the Jupyter server is killed and started again: the panel finds its way back', async () => {
    await lab.killServer();
    await page.panel.getByText('The connection to the Jupyter server is interrupted.').waitFor();
    await lab.restartServer();
    const job = await lab.submit('finish()', { name: 'after the server' });
    await page.row(job.id).waitFor({ timeout: 60_000 });
    await page.panel.locator('.cb-Banner').waitFor({ state: 'detached' });
  });

  test('nothing has failed in the page unseen', () => {
    expect(page.errors).toEqual([]);
  });
});

interface SessionWindow {
  readonly jupyterapp: {
    readonly serviceManager: {
      readonly sessions: {
        refreshRunning(): Promise<void>;
        findByPath(path: string): Promise<{ readonly id: string } | undefined>;
        shutdown(id: string): Promise<void>;
      };
    };
  };
}

function isMonitor(pid: number): boolean {
  return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(MONITOR_SESSION);
}
