// A real Slurm behind a real sshd: the agent there submits, and what a cell sees is as if the batch system were here.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { sendSignal } from '../../magics/protocol/platform';
import { LONG_MS, hostEntry, runIn, text, writeClusters } from '../clusters/notebook';
import { missing, openSystem } from '../clusters/open';
import { describeUnless } from '../unless';
import { KernelClient, ROOT, type CellResult } from '../kernel/client';
import { writeProject } from '../environment/project';
import { endProcesses, processesWith } from '../notebook/processes';

const execFileAsync = promisify(execFile);
const ssh = openSystem('sshd');
const slurm = openSystem('slurm');
afterAll(() => {
  if (ssh.ok) ssh.stop();
  if (slurm.ok) slurm.stop();
});

describeUnless(missing(ssh, slurm), 'cells on Slurm over ssh2', () => {
  let kernel: KernelClient;
  let store = '';
  let config = '';
  beforeAll(async () => {
    if (!ssh.ok || !slurm.ok) return;
    store = ssh.makeDirectory('store');
    config = writeClusters(join(ssh.settings['SSHD_STATE'] ?? '', 'slurm.yaml'), {
      hpc: [
        ...hostEntry(ssh, 'cb-via-jump', 'slurm'),
        `store: ${store}`,
        `setup: export SLURM_CONF=${slurm.settings['SLURM_CONF'] ?? ''}`,
        `prologue: export FROM_PROLOGUE=yes CELLBURST_SCRATCH=${ssh.makeDirectory('scratch')}`,
        'defaults: { cores: 3 }',
        'poll: { first: 2s }',
      ],
    });
    kernel = await KernelClient.start({ CELLBURST_CONFIG: config });
  });
  afterAll(async () => {
    await kernel.stop();
    await endProcesses(`CELLBURST_STATE_DIR=${store}`);
  });
  const run = runIn(() => kernel);
  const value = ({ result }: CellResult): string => text(result);

  test(
    "a cell runs as a job there, with the cluster's defaults and prologue",
    async () => {
      const answer = await run(
        '%%cluster hpc\nconsole.log("from there"); [process.env.SLURM_JOB_ID, process.env.SLURM_CPUS_PER_TASK, process.env.FROM_PROLOGUE]',
      );
      expect(value(answer)).toMatch(/^\[ '\d+', '3', 'yes' \]$/);
      expect(answer.stdout).toBe('from there\n');
    },
    LONG_MS,
  );

  test(
    'the example is run from the laptop, by the command line',
    async () => {
      const cli = join(ROOT, 'dist', 'cli.js');
      const { directory } = kernel;
      const own = {
        CELLBURST_STATE_DIR: join(directory, 'state'),
        XDG_RUNTIME_DIR: directory,
        CELLBURST_CONFIG: config,
      };
      const output = join(directory, 'slurm.ipynb');
      const args = [cli, 'run', join(ROOT, 'examples', 'slurm.ipynb'), '-o', output];
      const { stderr } = await execFileAsync(process.execPath, args, { env: { ...process.env, ...own } });
      expect(stderr).toMatch(/All \d+ cells of slurm\.ipynb ran/);
      const shown = readFileSync(output, 'utf8');
      expect(shown).toMatch(/24 walks on \S+, job \d+/);
      expect(shown).toContain('[ true, true ]');
    },
    LONG_MS,
  );

  test(
    'packages travel to the compute nodes, and are unpacked there',
    async () => {
      writeProject(kernel.directory);
      const answer = await run(
        `%%cluster hpc\nimport { parse } from 'yaml';\nimport { sum } from 'assets';\nimport { near } from '@team/shape';\nString([process.env.SLURM_JOB_ID !== undefined, parse('b: 2').b, sum('two', 40), near('cat', 'cut')])`,
      );
      expect(value(answer)).toBe(`'true,2,42,true'`);
    },
    LONG_MS,
  );

  test(
    'what Slurm refuses is told in its words, and nothing is left behind',
    async () => {
      const { reply } = await run('%%cluster hpc --partition nosuch\n1');
      expect(reply).toMatchObject({ status: 'error', ename: 'JobRejectedError' });
      expect(reply['evalue']).toMatch(/Slurm refuses the job: .*partition/is);
      const { messages } = await run('%cluster jobs');
      expect(JSON.stringify(messages)).not.toMatch(/queued|preparing|running/);
    },
    LONG_MS,
  );

  test(
    'a job survives the death of the agent there, and of the connection',
    async () => {
      const id = await kernel.startCell(
        `%%cluster hpc\nfor (let i = 0; i < 120; i++) { console.log('line', i); await new Promise((go) => setTimeout(go, 50)); }\n'whole'`,
      );
      await kernel.printed(id, 'line 5\n');
      // The agent there and its bridges; the job itself carries no such variable.
      for (const { pid } of processesWith(`CELLBURST_STATE_DIR=${store}`).filter(({ command }) =>
        command.includes('agent.js'),
      ))
        sendSignal(pid, 'SIGKILL');
      const answer = await kernel.outcome(id, performance.now(), LONG_MS);
      expect(value(answer)).toBe("'whole'");
      expect(answer.stdout).toBe(Array.from({ length: 120 }, (_, i) => `line ${i}\n`).join(''));
    },
    LONG_MS,
  );

  test(
    'a job that waits there says why, and can be cancelled from here',
    async () => {
      if (!slurm.ok) return;
      const shown = JSON.stringify((await run(`%%cluster hpc --detach --native '--hold'\n1`)).messages);
      const job = /Job (\w{6}) is submitted/.exec(shown)?.[1] ?? '';
      const deadline = Date.now() + 30_000;
      let listed = '';
      while (!listed.includes('held by its user') && Date.now() < deadline) {
        await pause(300);
        listed = JSON.stringify((await run('%cluster jobs')).messages);
      }
      expect(listed).toContain('held by its user');
      await run(`%cluster cancel ${job}`);
      const { reply } = await run(`%cluster attach ${job}`);
      expect(reply).toMatchObject({ status: 'error', ename: 'JobCancelledError' });
      const { stdout } = await slurm.run(['squeue', '-h', '-t', 'pending,running', '-o', '%j']);
      expect(stdout).toBe('');
    },
    LONG_MS,
  );
});
