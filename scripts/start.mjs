// `npm start`: JupyterLab on examples/ with our kernel in it. Configuration and data are the project's own; the jobs are the person's.
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runScript, setUp } from './setup.mjs';
import { cache, python, root } from './setup/places.mjs';
import { SetupError } from './setup/progress.mjs';

const home = join(cache, 'jupyter');

await runScript(async () => {
  await setUp();
  // Only now: the packages that this loads may have been installed just above.
  const { load } = await import('./load.mjs');
  const { addressOf, freePort } = await load('tests/notebook/jupyter-process.ts');
  const server = startLab(await freePort());
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => server.kill('SIGTERM'));
  const ended = new Promise((resolve) => server.once('exit', resolve));
  console.log('Starting JupyterLab …');
  const { url, token } = await addressOf(server, join(home, 'runtime'));
  console.log(`\nJupyterLab is at\n\n    ${url}lab/tree/quickstart.ipynb?token=${token}\n\nCtrl+C ends it.`);
  const code = await ended;
  if (code) throw new SetupError(`JupyterLab ended with exit code ${code}.`);
});

function startLab(port) {
  rmSync(join(home, 'runtime'), { recursive: true, force: true });
  for (const name of ['config', 'data', 'runtime']) mkdirSync(join(home, name), { recursive: true });
  const settings = ['--ServerApp.ip=127.0.0.1', `--ServerApp.port=${port}`, '--ServerApp.open_browser=False'];
  const place = `--ServerApp.root_dir=${join(root, 'examples')}`;
  const asRoot = process.getuid?.() === 0 ? ['--allow-root'] : [];
  return spawn(python, ['-m', 'jupyterlab', place, '--Application.log_level=WARN', ...settings, ...asRoot], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: Ctrl+C reaches us, and we ask it to end without a question.
    detached: process.platform !== 'win32',
    env: {
      ...process.env,
      JUPYTER_CONFIG_DIR: join(home, 'config'),
      JUPYTER_DATA_DIR: join(home, 'data'),
      JUPYTER_RUNTIME_DIR: join(home, 'runtime'),
      JUPYTER_PLATFORM_DIRS: '1',
    },
  });
}
