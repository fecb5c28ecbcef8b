// Kills for lack of memory are counted by the system, below the job's control group too; the files are those of Linux 6.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { watchOomKills } from '../../magics/runner/oom-kills';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'groups-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

function write(path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

const events = (kills: number): string => `low 0\nhigh 0\nmax 12\noom ${kills}\noom_kill ${kills}\noom_group_kill 0\n`;
const control = (kills: number): string => `oom_kill_disable 0\nunder_oom 0\noom_kill ${kills}\n`;

test('a kill in the own group of v2 is seen, one before is not', () => {
  write('slurm/job_3/memory.events', events(2));
  const saw = watchOomKills(root, '0::/slurm/job_3\n');
  expect(saw()).toBe(false);
  write('slurm/job_3/memory.events', events(3));
  expect(saw()).toBe(true);
});

test('a kill in a group of v1 that a container runtime has made below is seen, one beside is not', () => {
  write('memory/slurm/job_3/memory.oom_control', control(0));
  const saw = watchOomKills(root, '9:freezer:/other\n4:cpu,memory:/slurm/job_3\n0::/\n');
  write('memory/slurm/job_4/memory.oom_control', control(1));
  expect(saw()).toBe(false);
  write('memory/slurm/job_3/container/memory.oom_control', control(1));
  expect(saw()).toBe(true);
});

test('where nobody counts there was none', () => {
  expect(watchOomKills(root, '0::/\n')()).toBe(false);
  write('memory/job/memory.oom_control', 'oom_kill_disable 0\nunder_oom 0\n');
  expect(watchOomKills(root, '4:memory:/job\n')()).toBe(false);
});
