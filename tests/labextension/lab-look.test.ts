// How the panel looks and reads: for whoever uses a screen reader, a dark theme, a narrow sidebar, another language, or has more jobs than anybody should.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { encodeTasks, type TaskState } from '../../magics/protocol/tasks';
import type { JobId, JobRecord } from '../../magics/protocol/job';
import { specOf, until } from '../agent/setting';
import { Lab, noChromium, type LabPage } from './browser';
import { startGeneratedAgent, type GeneratedAgent } from './generated-agent';
import { measureUpdates } from './frames';
import { describeUnless } from '../unless';

const AXE = readFileSync(createRequire(__filename).resolve('axe-core/axe.min.js'), 'utf8');
const TASKS = 10_000;

/** As a running array looks: done, some failed, a wave of running ones, the rest waits. */
function tasksAt(done: number): TaskState[] {
  return Array.from({ length: TASKS }, (_none, index): TaskState => {
    if (index < done) return index % 997 === 5 ? 'failed' : 'completed';
    return index < done + 64 ? 'running' : 'queued';
  });
}

describeUnless(noChromium, 'the look of the panel', () => {
  let agent: GeneratedAgent;
  let lab: Lab;
  let page: LabPage;
  let array: JobRecord;
  const made = (name: string, more: Partial<JobRecord['spec']> = {}): JobRecord =>
    agent.jobs.create({ ...specOf(), name, ...more });
  beforeAll(async () => {
    lab = await Lab.start({}, async (stateDirectory) => {
      agent = await startGeneratedAgent(stateDirectory);
    });
    array = made('sweep', { resources: { cores: 1, memoryMiB: 1024, wallTimeSeconds: 3600 } });
    agent.jobs.report(array.id, { state: 'running', since: Date.now() - 60_000, tasks: encodeTasks(tasksAt(3000)) });
    const failed = made('fit-ridge', { resources: { cores: 4, memoryMiB: 8192 } });
    agent.jobs.report(failed.id, {
      state: 'ended',
      explanation: { cause: 'out-of-memory', reason: 'It used 8 GB of the 8 GB it was granted.' },
    });
    const waits = made('preprocess');
    agent.jobs.report(waits.id, { state: 'queued', reason: 'waiting for free nodes' });
    lab.writeNotebook('study.ipynb', ['1 + 1']);
    page = await lab.open('study.ipynb');
    await page.showPanel();
    await page.row(array.id).waitFor();
  }, 120_000);
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
    await agent.close();
  }, 60_000);

  const open = async (id: JobId): Promise<void> => {
    const row = page.row(id);
    if ((await row.getAttribute('aria-expanded')) !== 'true') await row.locator('.cb-Row-summary').click();
  };

  test('without our kernel it says how to install it, and finds it once it is there', async () => {
    const specs = /\/api\/kernelspecs/;
    const fresh = await lab.open('', (tab) =>
      // As a server without it answers.
      tab.route(specs, (route) => route.fulfill({ json: { default: '', kernelspecs: {} } })),
    );
    await fresh.showPanel();
    await fresh.panel.getByText('npx cellburst install').waitFor();
    await fresh.page.unroute(specs);
    await fresh.panel.getByRole('button', { name: 'Look again' }).click();
    await fresh.row(array.id).waitFor();
    await fresh.page.close();
  });

  test('ten thousand tasks are one row with a grid, read square by square with the arrow keys', async () => {
    await page.row(array.id).getByText('2996 of 10000 tasks done, 64 running, 4 failed').waitFor();
    await open(array.id);
    const grid = page.row(array.id).locator('.cb-Grid-canvas');
    await grid.waitFor();
    await grid.focus();
    await page.page.keyboard.press('Home');
    const words = page.row(array.id).locator('.cb-Grid-words');
    expect(await words.innerText()).toMatch(/^tasks 0 to \d+: failed$/);
    await page.page.keyboard.press('End');
    expect(await words.innerText()).toMatch(/^tasks \d+ to 9999: queued$/);
    // The keys were the grid's: the list's own place has not moved.
    expect(await page.page.evaluate(() => document.activeElement?.className)).toBe('cb-Grid-canvas');
    await page.row(array.id).locator('[data-action=open]').click();
    const wide = page.page.locator('.cb-Detail .cb-Grid-canvas');
    await until('there is a square for each task', async () => (await wide.getAttribute('data-squares')) === '10000');
    await wide.focus();
    await page.page.keyboard.press('Home');
    for (let step = 0; step < 5; step++) await page.page.keyboard.press('ArrowRight');
    expect(await page.page.locator('.cb-Detail .cb-Grid-words').innerText()).toBe('task 5: failed');
  });

  test.each(['JupyterLab Light', 'JupyterLab Dark'])('axe finds nothing to complain of in %s', async (theme) => {
    const themed = page.page.locator(`body[data-jp-theme-name="${theme}"]`);
    // JupyterLab stumbles now and then over a change to the theme that it has.
    if ((await themed.count()) === 0) await page.command('apputils:change-theme', { theme });
    await themed.waitFor({ state: 'attached' });
    const [failed] = agent.jobs.list().filter(({ spec }) => spec.name === 'fit-ridge');
    if (failed) await open(failed.id);
    await page.row(array.id).locator('[data-action=log]').click();
    await page.command('cellburst:open-clusters');
    await page.page.locator('.cb-Clusters-choice[data-cluster=""]').click();
    await page.page.locator('.cb-Clusters summary').click();
    expect(await complaints(page.page, ['#cellburst-jobs', '.cb-Clusters', '.cb-StatusItem'])).toEqual([]);
    await page.command('cellburst:open-job', { job: array.id });
    await page.page.locator('.cb-Detail').waitFor();
    expect(await complaints(page.page, ['.cb-Detail'])).toEqual([]);
  });

  test('a thousand jobs and a large array are brought up to date without holding up the page', async () => {
    const rows = Array.from({ length: 1000 }, (_none, index) => made(`row ${index}`));
    await page.panel.locator('.cb-Chip[data-group=waiting]', { hasText: '1001' }).waitFor();
    let done = 3000;
    const { cpuMsPerUpdate, longestFrameMs } = await measureUpdates(page.page, 20, (turn) => {
      done += 64;
      agent.jobs.report(array.id, { state: 'running', since: 0, tasks: encodeTasks(tasksAt(done)) });
      for (const { id } of rows.slice(turn * 50, turn * 50 + 50))
        agent.jobs.report(id, { state: 'queued', reason: `turn ${turn}` });
    });
    // Time of the page's own thread, which a busy machine does not lengthen; of frames only that the page was alive. `npm run bench -- --rows panel-update,panel-frame` tells.
    expect(cpuMsPerUpdate).toBeLessThan(100);
    expect(longestFrameMs).toBeLessThan(3000);
  });

  test('nothing has failed in the page unseen', () => {
    expect(page.errors).toEqual([]);
  });
});

interface Complaint {
  readonly rule: string;
  readonly where: readonly string[];
}

/** What axe-core says of parts of the page. */
async function complaints(page: Page, parts: readonly string[]): Promise<Complaint[]> {
  await page.evaluate(AXE);
  const found: unknown = await page.evaluate(
    async (include) => {
      const { axe } = window as unknown as AxeWindow;
      const { violations } = await axe.run({ include: include.filter((part) => document.querySelector(part)) });
      return violations.map(({ id, nodes }) => ({ rule: id, where: nodes.map(({ html }) => html.slice(0, 200)) }));
    },
    [...parts],
  );
  return found as Complaint[];
}

interface AxeWindow {
  readonly axe: {
    run(context: { readonly include: readonly string[] }): Promise<{
      readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[];
    }>;
  };
}
