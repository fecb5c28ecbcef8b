// What tests of cluster cells do in a notebook, wherever the cluster is: start it with its clusters, run cells, detach, wait for states, cut what lies between.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { sendSignal } from '../../magics/protocol/platform';
import { KernelClient, type CellResult } from '../kernel/client';
import { processesWith } from '../notebook/processes';
import type { RunningSystem } from './open';

/** A cluster on a busy machine takes its time. */
export const LONG_MS = 90_000;

/** Lines of each cluster's entry in a config. */
export type Clusters = Readonly<Record<string, readonly string[]>>;

/** Gives the path. */
export function writeClusters(path: string, clusters: Clusters): string {
  const lines = Object.entries(clusters).flatMap(([name, entry]) => [
    `  ${name}:`,
    ...entry.map((line) => `    ${line}`),
  ]);
  writeFileSync(path, ['clusters:', ...lines, ''].join('\n'), { mode: 0o644 });
  return path;
}

/** A kernel of the plain user on the machine of a batch system. */
export function startOn(
  system: RunningSystem,
  clusters: Clusters,
  environment: NodeJS.ProcessEnv = {},
): Promise<KernelClient> {
  const home = system.makeDirectory('home');
  const config = writeClusters(join(home, 'config.yaml'), clusters);
  const own = { ...system.settings, HOME: home, CELLBURST_CONFIG: config };
  return KernelClient.start({ ...own, ...environment }, system.user.ids);
}

/** A kernel of whoever runs the tests, whose clusters lie behind servers of SSH. */
export function startBefore(sshd: RunningSystem, clusters: Clusters): Promise<KernelClient> {
  const config = join(sshd.settings['SSHD_STATE'] ?? '', 'config.yaml');
  return KernelClient.start({ CELLBURST_CONFIG: writeClusters(config, clusters) });
}

/** A host by its name in the servers' own config. */
export function hostEntry(sshd: RunningSystem, host = 'cb-login', scheduler = 'none'): readonly string[] {
  return [`scheduler: ${scheduler}`, `host: ${host}`, `sshConfig: ${sshd.settings['SSHD_CONFIG'] ?? ''}`];
}

export type Run = (code: string) => Promise<CellResult>;

export function runIn(kernel: () => KernelClient): Run {
  return async (code) => kernel().outcome(await kernel().startCell(code), performance.now(), LONG_MS);
}

/** Of a result, as plain text. */
export function text(result: Readonly<Record<string, unknown>> | undefined): string {
  const bundle = result?.['data'] as Record<string, string> | undefined;
  // eslint-disable-next-line no-control-regex -- Colours of values are no part of what is asserted.
  return (bundle?.['text/plain'] ?? '').replaceAll(/\u001b\[\d+m/g, '');
}

/** Of a cell whose value is a string. */
export function string(result: Parameters<typeof text>[0]): string {
  return text(result).replaceAll("'", '');
}

/** The id of the job that a cell with `--detach` submits. */
export async function detach(run: Run, code: string): Promise<string> {
  const { reply, messages } = await run(code);
  const shown = messages.map(({ content }) => JSON.stringify(content)).join('\n');
  const id = /Job (\w{6}) is submitted/.exec(shown)?.[1];
  if (id === undefined) throw new Error(`Nothing was submitted: ${JSON.stringify(reply)}`);
  return id;
}

/** What is waited for here comes within half of a test's time, or never. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + LONG_MS / 2;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('It never came to that.');
    await pause(200);
  }
}

export async function awaitState(run: Run, job: string, state: string): Promise<void> {
  const deadline = Date.now() + LONG_MS;
  while (Date.now() < deadline) {
    const { messages } = await run('%cluster jobs');
    const shown = messages.map(({ content }) => JSON.stringify(content)).join('\n');
    if (new RegExp(`${job}[^\\\\]*${state}`).test(shown)) return;
    await pause(200);
  }
  throw new Error(`Job ${job} was never ${state}.`);
}

export function agentPid(kernel: KernelClient): number {
  const lock = readFileSync(join(kernel.directory, 'state', 'agent.lock'), 'utf8');
  return Number(/"pid":(\d+)/.exec(lock)?.[1]);
}

/** Directories of the notebook's jobs, the newest first. */
export function jobFolders(kernel: KernelClient): readonly string[] {
  const jobs = join(kernel.directory, 'state', 'jobs');
  const all = readdirSync(jobs).map((id) => join(jobs, id));
  const made = new Map(all.map((folder) => [folder, statSync(folder).birthtimeMs]));
  return all.sort((a, b) => (made.get(b) ?? 0) - (made.get(a) ?? 0));
}

/** Of the job that was made last. */
export function lastRecord(kernel: KernelClient): Readonly<Record<string, unknown>> {
  const [last = ''] = jobFolders(kernel);
  return JSON.parse(readFileSync(join(last, 'record.json'), 'utf8')) as Record<string, unknown>;
}

/** The srun clients that the agent of this notebook holds, and their watchers. */
export function srunClients(kernel: KernelClient): readonly number[] {
  const all = execFileSync('ps', ['-e', '-o', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  const ours = all.filter((line) => line.includes('srun ') && line.includes(kernel.directory));
  return ours.map((line) => Number(line.trim().split(' ')[0]));
}

/** The SSH servers' processes that are connected to a Unix socket in this folder: those of sessions that need no process of ours. */
function serversAt(folder: string): number[] {
  const lines = execFileSync('ss', ['-x', '-p', '-n'], { encoding: 'utf8' }).split('\n');
  // … path-or-* inode  * peer's-inode  users:(("name",pid=1,fd=2))
  const sockets = lines.flatMap((line) => {
    const [, path, own, peer, users] = /\s(\S+) (\d+)\s+\S+ (\d+)\s*(.*)$/.exec(line) ?? [];
    return path === undefined ? [] : [{ path, own, peer, users }];
  });
  const peers = new Set(sockets.filter(({ path }) => path.startsWith(`${folder}/`)).map(({ peer }) => peer));
  const servers = sockets.filter(({ own, users }) => peers.has(own) && users?.includes('"sshd') === true);
  return servers.flatMap(({ users }) => Array.from(users?.matchAll(/pid=(\d+)/g) ?? [], ([, pid]) => Number(pid)));
}

/** A cell that counts aloud until it is let go; `meanwhile` something is broken. It has to end well, and what it said has to be whole and in order. */
export async function countThrough(kernel: KernelClient, magic: string, meanwhile: () => void): Promise<void> {
  const flag = join(kernel.directory, `enough-${Date.now()}`);
  const counting = `let i = 0;\nwhile (!fs.existsSync(${JSON.stringify(flag)})) { console.log(i++); await new Promise((go) => setTimeout(go, 50)); }\ni`;
  const id = await kernel.startCell(`${magic}\nconst fs = require('node:fs');\n${counting}`);
  await kernel.printed(id, '5\n');
  meanwhile();
  await pause(500);
  writeFileSync(flag, '');
  const { reply, stdout, result } = await kernel.outcome(id, performance.now(), LONG_MS);
  expect(reply).toMatchObject({ status: 'ok' });
  const count = Number(text(result));
  expect(stdout).toBe(Array.from({ length: count }, (_, i) => `${i}\n`).join(''));
}

/** Ends the processes that the connection is made of on the other side, as a network does that resets; waits for it to be there. */
export async function cutConnection(store: string): Promise<void> {
  const deadline = Date.now() + LONG_MS;
  for (;;) {
    const all = processesWith(`CELLBURST_STATE_DIR=${store}`);
    const bridges = all.filter(({ command }) => command.includes('--bridge')).map(({ pid }) => pid);
    const found = new Set([...bridges, ...serversAt(join(store, 'run'))]);
    for (const pid of found) sendSignal(pid, 'SIGKILL');
    if (found.size > 0) return;
    if (Date.now() > deadline) throw new Error(`There is no connection to the agent of ${store}.`);
    await pause(20);
  }
}
