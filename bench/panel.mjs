/* global document, MutationObserver, requestAnimationFrame -- timeOf runs in the page */
// The job panel in a real JupyterLab and a real Chromium: from a change on the disk to the screen, and what many jobs cost the page.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { load } from '../scripts/load.mjs';
import { median } from './row.mjs';

const PROMISE = 'the promise';
const CHANGES = 20;
const UPDATES = 40;
const JOBS = 1000;
const TASKS = 10_000;

/** @type {import('./row.mjs').Row} */
export const panelChange = {
  key: 'panel',
  name: 'a change on the disk to the screen, job panel',
  unit: 'ms',
  against: PROMISE,
  goal: { atMost: 1 },
  async measure({ own }) {
    const { lab, page } = await openPanel(own);
    const { specOf } = await load('tests/agent/setting.ts');
    const delays = [];
    for (let turn = 0; turn < CHANGES; turn++) {
      const name = `change ${turn}`;
      const seen = page.page.evaluate(timeOf, name);
      const job = await lab.agent.create({ ...specOf(), name });
      // The journal is written before anybody hears of it: that is the change.
      delays.push((await seen) - statSync(join(job.directory, 'record.json')).mtimeMs);
      await sleep(300);
    }
    return { ours: median(delays), reference: 150 };
  },
};

/** @type {import('./row.mjs').Row} */
export const panelUpdate = {
  key: 'panel-update',
  name: `an update of ${JOBS} jobs and an array of ${TASKS} tasks, the page's own time`,
  unit: 'ms',
  against: PROMISE,
  goal: { atMost: 1 },
  measure: async (bench) => ({ ours: (await updateMany(bench)).cpuMsPerUpdate, reference: 100 }),
};

/** @type {import('./row.mjs').Row} */
export const panelFrame = {
  key: 'panel-frame',
  name: 'the longest time between two frames meanwhile',
  unit: 'ms',
  against: PROMISE,
  goal: { atMost: 1 },
  measure: async (bench) => ({ ours: (await updateMany(bench)).longestFrameMs, reference: 200 }),
};

async function updateMany({ own }) {
  const { startGeneratedAgent } = await load('tests/labextension/generated-agent.ts');
  const { measureUpdates } = await load('tests/labextension/frames.ts');
  const { specOf } = await load('tests/agent/setting.ts');
  const { encodeTasks } = await load('magics/protocol/tasks.ts');
  let agent;
  const { page } = await openPanel(own, async (stateDirectory) => {
    agent = await own(startGeneratedAgent(stateDirectory));
  });
  const make = (name) => agent.jobs.create({ ...specOf(), name });
  const array = make('array');
  const tasks = (done) =>
    encodeTasks(
      Array.from({ length: TASKS }, (_none, index) =>
        index < done ? (index % 97 === 5 ? 'failed' : 'completed') : index < done + 64 ? 'running' : 'queued',
      ),
    );
  const report = (done) => agent.jobs.report(array.id, { state: 'running', since: 0, tasks: tasks(done) });
  report(0);
  const rows = Array.from({ length: JOBS }, (_none, index) => make(`row ${index}`));
  await page.row(array.id).locator('.cb-Row-summary').click();
  await page.panel.locator('.cb-Chip[data-group=waiting]', { hasText: String(JOBS) }).waitFor();
  return measureUpdates(page.page, UPDATES, (turn) => {
    report((turn + 1) * 64);
    for (const { id } of rows.slice((turn * 50) % JOBS, ((turn * 50) % JOBS) + 50))
      agent.jobs.report(id, { state: 'queued', reason: `turn ${turn}` });
  });
}

async function openPanel(own, beforeAgent) {
  const { findChromium, Lab } = await load('tests/labextension/browser.ts');
  if (findChromium() === undefined) throw new Error('There is no Chromium on this machine.');
  const lab = await Lab.start({}, beforeAgent);
  await own(Promise.resolve({ close: () => lab[Symbol.asyncDispose]() }));
  const page = await lab.open();
  await page.showPanel();
  await page.panel.locator('.cb-Health-age').getByText('live').waitFor();
  return { lab, page };
}

/** Runs in the page: when a job of this name was first on the screen, in ms since the epoch. */
function timeOf(name) {
  return new Promise((resolve) => {
    const look = () => {
      const names = [...document.querySelectorAll('#cellburst-jobs .cb-Row-name')];
      if (!names.some(({ textContent }) => textContent === name)) return;
      watcher.disconnect();
      // Drawn by the next frame.
      requestAnimationFrame(() => resolve(Date.now()));
    };
    const watcher = new MutationObserver(look);
    watcher.observe(document.body, { subtree: true, childList: true });
  });
}
