// Clusters in JupyterLab as a person sets them up and uses them: a real Slurm and a real SSH server that asks for a password and a code.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobRecord } from '../../magics/protocol/job';
import { ended, until } from '../agent/setting';
import { missing, openSystem, type OpenedSystem, type SystemName } from '../clusters/open';
import { describeUnless } from '../unless';
import { endProcesses } from '../notebook/processes';
import { oneTimeCode } from '../transports/logins';
import { Lab, noChromium, type LabPage } from './browser';

const open = (name: SystemName): OpenedSystem =>
  noChromium === undefined ? openSystem(name) : { ok: false, reason: noChromium };
const slurm = open('slurm');
// Namespaces are for tests of lost links.
process.env['SSHD_NETNS'] ??= '0';
const sshd = open('sshd');
const LONG_MS = 120_000;

const WAITING = `
  const fs = require('node:fs');
  print('started on the cluster\\n');
  const wait = () => (fs.existsSync(directory + '/go') ? (print('over\\n'), finish()) : setTimeout(wait, 20));
  wait();
`;

describeUnless(missing(slurm, sshd), 'clusters in the panel', () => {
  let lab: Lab;
  let page: LabPage;
  beforeAll(async () => {
    if (!slurm.ok) return;
    lab = await Lab.start(slurm.settings);
    await lab.browser.grantPermissions(['clipboard-read', 'clipboard-write']);
    lab.writeNotebook('study.ipynb', [
      '%%cluster\nprocess.env.SLURM_JOB_ID === undefined ? "here" : "on Slurm"',
      '%%cluster\n"again"',
    ]);
    page = await lab.open('study.ipynb');
    await page.showPanel();
    // JupyterLab brings a notebook to the front once it can be used, whatever was opened meanwhile.
    await page.page.getByText('TypeScript (Cellburst) | Idle').waitFor();
  }, LONG_MS);
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
    if (slurm.ok) slurm.stop();
    if (sshd.ok) sshd.stop();
  }, LONG_MS);

  const tab = () => page.page.locator('.cb-Clusters');
  const field = (name: string) => tab().locator(`[data-field="${name}"]`);
  const cluster = (name: string) => page.panel.locator(`.cb-Health-cluster[data-cluster="${name}"]`);
  const state = (job: string) => page.row(job).locator('.cb-Row-state').innerText();
  const stateIs = (job: string, word: string) =>
    until(`${job} is shown as ${word}`, async () => (await page.row(job).isVisible()) && (await state(job)) === word);
  const findings = () => tab().locator('.cb-CheckUp-findings');
  const submit = (code: string, more: Parameters<Lab['submit']>[1] = {}) =>
    lab.submit(code, { cluster: 'hpc', ...more });
  const press = async (job: JobRecord, action: string): Promise<void> => {
    const row = page.row(job.id);
    if ((await row.getAttribute('aria-expanded')) !== 'true') await row.locator('.cb-Row-summary').click();
    await row.locator(`[data-action=${action}]`).click();
  };

  test(
    'a cluster is added by a form: what is wrong stands beside its field, and what is right is in the config file',
    async () => {
      writeFileSync(lab.config, '# Mine, and to stay.\n');
      await cluster('slurm').getByText('not used yet').waitFor();
      await page.command('cellburst:open-clusters');
      await tab().locator('.cb-Clusters-choice[data-cluster=""]').click();
      await field('name').locator('input').fill('hpc');
      await field('scheduler').locator('select').selectOption('slurm');
      await field('defaults.memory').locator('input').fill('a lot');
      await field('defaults.cores').locator('input').fill('1');
      await tab().locator('[data-action=save]').click();
      await field('defaults.memory').getByText('expected a size of memory such as 4GB or 500MB').waitFor();
      expect(await field('defaults.memory').locator('input').getAttribute('aria-invalid')).toBe('true');
      expect(readFileSync(lab.config, 'utf8')).toBe('# Mine, and to stay.\n');
      await field('defaults.memory').locator('input').fill('200MB');
      await field('prologue').locator('textarea').fill('export ASKED=by-the-form\n');
      await tab().locator('[data-action=save]').click();
      await cluster('hpc').waitFor();
      expect(readFileSync(lab.config, 'utf8')).toMatch(
        /^# Mine, and to stay\.\n[^]*clusters:\n {2}hpc:\n {4}scheduler: slurm\n[^]*export ASKED=by-the-form[^]*memory: 200MB/,
      );
    },
    LONG_MS,
  );

  test(
    'a tiny job tries it out, and tells what was found',
    async () => {
      await tab().locator('[data-action=examine-all]').click();
      await tab().getByText('Everything is in place.').waitFor({ timeout: LONG_MS });
      expect(await findings().innerText()).toMatch(/Slurm[^]*partitions and nodes[^]*a tiny job[^]*came back in/);
      await page.panel.locator('.cb-Health').hover();
      await until('it is told when it was heard last', async () =>
        /just now|s ago/.test(await cluster('hpc').locator('.cb-Health-age').innerText()),
      );
      await until(
        'the cluster is known to answer',
        async () => (await cluster('hpc').getAttribute('data-state')) === 'ok',
      );
    },
    LONG_MS,
  );

  test(
    'a job on Slurm is watched, read along and cancelled; its script is copied',
    async () => {
      const job = await submit(WAITING, { name: 'on slurm' });
      await stateIs(job.id, 'Running');
      await press(job, 'log');
      await page.panel.getByRole('log').getByText('started on the cluster').waitFor();
      await press(job, 'script');
      await page.page.getByText('is in the clipboard').first().waitFor();
      const script = await page.page.evaluate(() => navigator.clipboard.readText());
      expect(script).toMatch(/^#!.*\n#SBATCH /);
      expect(script).toContain('ASKED=by-the-form');
      await press(job, 'cancel');
      await stateIs(job.id, 'Cancelled');
      expect((await lab.agent.job(job.id)).status).toEqual({ state: 'cancelled', by: 'user' });
    },
    LONG_MS,
  );

  test(
    'a job that has failed on Slurm says why, and is tried again',
    async () => {
      const file = join(lab.server.directory, 'second-try');
      const job = await submit(
        `require('node:fs').existsSync(${JSON.stringify(file)}) ? (print('better\\n'), finish()) : process.exit(3)`,
        { name: 'stumbles' },
      );
      await stateIs(job.id, 'Failed');
      await page
        .row(job.id)
        .getByText(/exit code 3/)
        .waitFor();
      writeFileSync(file, '');
      await press(job, 'retry');
      const again = await until('there is a second one', async () =>
        (await lab.agent.jobs()).find(({ spec, id }) => spec.name === 'stumbles' && id !== job.id),
      );
      await stateIs(again.id, 'Done');
    },
    LONG_MS,
  );

  test(
    'a job that waits in the queue is held, says so, and is let go',
    async () => {
      const job = await submit('finish()', { name: 'patient', batch: { native: ['--begin=now+3600'] } });
      await stateIs(job.id, 'Queued');
      await press(job, 'hold');
      await stateIs(job.id, 'Held');
      await press(job, 'release');
      await stateIs(job.id, 'Queued');
      await press(job, 'cancel');
      await stateIs(job.id, 'Cancelled');
    },
    LONG_MS,
  );

  test(
    'a notebook has a cluster of its own, which its cells use that name none, and its file keeps it',
    async () => {
      await page.page.locator('#jp-main-dock-panel .lm-TabBar-tab', { hasText: 'study.ipynb' }).click();
      const choice = page.panel.locator('[data-action=notebook-cluster]');
      await choice.selectOption('hpc');
      const cell = page.page.locator('.jp-Cell').first();
      await cell.locator('.jp-InputArea-editor').click();
      await page.page.keyboard.press('Shift+Enter');
      await cell.locator('.jp-OutputArea-executeResult').getByText('on Slurm').waitFor({ timeout: LONG_MS });
      await page.command('docmanager:save');
      const path = join(lab.server.directory, 'study.ipynb');
      await until('the file says so', () => readFileSync(path, 'utf8').includes('"cluster": "hpc"'));
      // A kernel that was started anew is told again.
      await page.page.evaluate(() =>
        (window as unknown as Front).jupyterapp.shell.currentWidget.sessionContext.restartKernel(),
      );
      await cell.locator('.jp-InputArea-editor').click();
      await page.page.keyboard.press('Shift+Enter');
      await until('it runs again', async () => (await cell.locator('.jp-InputPrompt').innerText()).includes('[1]'));
      expect(await cell.locator('.jp-OutputArea-executeResult').innerText()).toContain('on Slurm');
      await choice.selectOption('');
      const second = page.page.locator('.jp-Cell').nth(1);
      await second.locator('.jp-InputArea-editor').click();
      await page.page.keyboard.press('Shift+Enter');
      await second.locator('.jp-OutputArea-executeResult').getByText('again').waitFor();
      const jobs = await lab.agent.jobs();
      expect(jobs.filter(({ spec }) => spec.origin.client === 'kernel' && spec.cluster === 'local')).toHaveLength(1);
    },
    LONG_MS,
  );

  test(
    'what a host asks comes as dialogs: a word on its key, a password, a code; no secret is kept',
    async () => {
      if (!sshd.ok) return;
      const { settings } = sshd;
      const store = sshd.makeDirectory('panel');
      // As for somebody who has never been there.
      const known = join(lab.server.directory, 'known_hosts');
      const asking = `Host *\n  UserKnownHostsFile ${known}\n  StrictHostKeyChecking ask\n`;
      const sshConfig = join(lab.server.directory, 'ssh_config');
      writeFileSync(sshConfig, `${asking}${readFileSync(settings['SSHD_CONFIG'] ?? '', 'utf8')}`);
      await page.command('cellburst:open-clusters');
      await tab().locator('.cb-Clusters-choice[data-cluster=""]').click();
      await field('name').locator('input').fill('far');
      await field('scheduler').locator('select').selectOption('none');
      await field('host').locator('input').fill('cb-mfa');
      await tab().locator('summary').click();
      await field('sshConfig').locator('input').fill(sshConfig);
      await field('store').locator('input').fill(store);
      await tab().locator('[data-action=save]').click();
      await cluster('far').waitFor();
      await tab().locator('[data-action=examine-reach]').click();
      const dialog = page.page.locator('.jp-Dialog');
      const answer = async (text: RegExp, given: string): Promise<void> => {
        await dialog.getByText(text).waitFor({ timeout: LONG_MS });
        expect(await dialog.locator('input').getAttribute('type')).toBe('password');
        await dialog.locator('input').fill(given);
        await page.page.keyboard.press('Enter');
        await dialog.getByText(text).waitFor({ state: 'detached' });
      };
      await dialog.getByText(/is unknown\. It shows the key \S+ SHA256:\S+ Trust it\?$/).waitFor({ timeout: LONG_MS });
      await dialog.getByRole('button', { name: 'Yes' }).click();
      await answer(/Password/, settings['SSHD_PASSWORD'] ?? '');
      await answer(/One-time code/, oneTimeCode(readFileSync(settings['SSHD_MFA_SECRET_FILE'] ?? '', 'utf8')));
      await tab().getByText('Everything is in place.').waitFor({ timeout: LONG_MS });
      expect(await findings().innerText()).toMatch(/reach[^]*host agent/);
      expect(existsSync(known)).toBe(true);
      const places = [
        lab.server.stateDirectory,
        lab.server.environment['JUPYTER_RUNTIME_DIR'] ?? '',
        lab.config,
        store,
      ];
      const search = spawnSync('grep', ['-rlF', settings['SSHD_PASSWORD'] ?? '', ...places], { encoding: 'utf8' });
      expect(search.stdout).toBe('');
      await endProcesses(`CELLBURST_STATE_DIR=${store}`);
    },
    LONG_MS,
  );

  test('a cluster is removed, and its entry with it', async () => {
    await tab().locator('.cb-Clusters-choice[data-cluster="far"]').click();
    await tab().locator('[data-action=remove]').click();
    await cluster('far').waitFor({ state: 'detached' });
    expect(readFileSync(lab.config, 'utf8')).not.toContain('far:');
    expect(existsSync(lab.config)).toBe(true);
  });

  test('nothing has failed in the page unseen', async () => {
    expect(page.errors).toEqual([]);
    for (const job of await lab.agent.jobs()) if (job.status.state === 'running') await ended(lab.agent, job);
  });
});

interface Front {
  readonly jupyterapp: {
    readonly shell: { readonly currentWidget: { readonly sessionContext: { restartKernel(): Promise<void> } } };
  };
}
