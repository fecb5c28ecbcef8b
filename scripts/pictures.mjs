// `npm run pictures`: the pictures of the panel in docs/pictures, taken from a real JupyterLab, in light and dark.
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from './load.mjs';
import { runScript, setUp } from './setup.mjs';
import { root } from './setup/places.mjs';

const home = join(root, 'docs', 'pictures');
const SIZE = { width: 1040, height: 880 };
const SMALL = { width: 900, height: 600 };
/** Names a file of this machine. */
const HIDDEN = '.cb-Form-place { visibility: hidden; }';
const CELLS = [
  "import { pmap } from 'cellburst';\nconst grid = Array.from({ length: 10_000 }, (_, i) => i / 100);",
  '%%cluster hpc --cores 16 --memory 8GB --time 1h\nconst energies = await pmap(grid, (angle) => relax(angle));',
  'energies.slice(0, 3)',
];

await runScript(async () => {
  await setUp({ register: false });
  const { Lab } = await load('tests/labextension/browser.ts');
  const { startGeneratedAgent } = await load('tests/labextension/generated-agent.ts');
  const { SCENE_CONFIG, setScene } = await load('tests/labextension/scene.ts');
  let agent;
  const lab = await Lab.start({}, async (stateDirectory) => {
    writeFileSync(process.env['CELLBURST_CONFIG'], SCENE_CONFIG);
    agent = await startGeneratedAgent(stateDirectory);
  });
  try {
    const jobs = setScene(agent);
    mkdirSync(home, { recursive: true });
    lab.writeNotebook('study.ipynb', CELLS);
    const page = await lab.open('study.ipynb');
    await page.page.setViewportSize(SIZE);
    await page.showPanel();
    // As wide as the panel was drawn for.
    const edge = await page.page.locator('.lm-SplitPanel-handle:visible').first().boundingBox();
    if (edge !== null) {
      await page.page.mouse.move(edge.x + 1, edge.y + 300);
      await page.page.mouse.down();
      await page.page.mouse.move(edge.x + 100, edge.y + 300);
      await page.page.mouse.up();
    }
    for (const name of ['sweep', 'train']) await page.row(jobs.get(name).id).locator('.cb-Row-summary').click();
    await page.row(jobs.get('train').id).locator('[data-action=log]').click();
    await page.panel.getByText('epoch 13').waitFor();
    await page.row(jobs.get('train').id).locator('[data-graph=gpu]').waitFor();
    for (const [theme, name] of [
      ['Dark', 'dark'],
      ['Light', 'light'],
    ]) {
      await page.command('apputils:change-theme', { theme: `JupyterLab ${theme}` });
      await page.page.locator(`body[data-jp-theme-name="JupyterLab ${theme}"]`).waitFor({ state: 'attached' });
      await page.page.mouse.move(SIZE.width / 2, SIZE.height - 60);
      await page.panel.locator('.cb-Body').evaluate((list) => list.scrollTo(0, 0));
      await take(page, `panel-${name}.png`);
      // The second one shows a job in a tab of its own.
      await page.command('cellburst:open-job', { job: jobs.get('train').id });
      await page.page.locator('.cb-Detail [data-graph=gpu]').waitFor();
    }
    await page.page.setViewportSize(SMALL);
    await page.command('application:toggle-left-area');
    await page.command('cellburst:open-clusters');
    await page.page.locator('.cb-Clusters-choice[data-cluster=hpc]').click();
    await page.page.locator('[data-field=account]').waitFor();
    await take(page, 'clusters.png');
  } finally {
    await lab[Symbol.asyncDispose]();
    await agent?.close();
  }
  return 0;
});

async function take(page, name) {
  await page.page.waitForTimeout(600);
  const path = join(home, name);
  await page.page.screenshot({ path, style: HIDDEN, animations: 'disabled' });
  console.log(`${name}: ${Math.round(statSync(path).size / 1000)} kB`);
}
