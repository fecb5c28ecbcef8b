// Many jobs while the agent is killed again and again: every job runs exactly once and comes to its end.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sendSignal } from '../../magics/protocol/platform';
import { Setting, ended, submit, textOf } from './setting';

const JOBS = 24;
const KILLS = 8;

test('jobs run exactly once, however often the agent is killed', async () => {
  const setting = new Setting();
  try {
    const agent = await setting.connect();
    const all = (async () => {
      const jobs = [];
      for (let n = 0; n < JOBS; n++) {
        const wait = (n * 37) % 120;
        const code = `require('node:fs').appendFileSync(directory + '/runs', 'x'); print('begin ');
          setTimeout(() => { print('end ${n}'); finish(); }, ${wait})`;
        jobs.push(await submit(agent, code));
        await sleep((n * 13) % 40);
      }
      return await Promise.all(jobs.map((job) => ended(agent, job)));
    })();
    for (let n = 0; n < KILLS; n++) {
      await sleep(100 + ((n * 71) % 200));
      const pid = setting.agentPid();
      if (pid !== undefined) sendSignal(pid, 'SIGKILL');
    }
    const jobs = await all;
    for (const [n, job] of jobs.entries()) {
      expect([job.id, job.status]).toEqual([job.id, { state: 'completed', outcome: 'value' }]);
      expect(readFileSync(join(job.directory, 'runs'), 'utf8')).toBe('x');
      expect(await textOf(agent, job.id)).toBe(`begin end ${n}`);
    }
  } finally {
    await setting[Symbol.asyncDispose]();
  }
}, 60_000);
