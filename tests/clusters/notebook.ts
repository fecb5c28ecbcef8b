// What tests of cluster cells do in a notebook, wherever the cluster is: run cells, detach, wait for states, cut what lies between.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { sendSignal } from '../../magics/protocol/platform';
import type { CellResult, KernelClient } from '../kernel/client';
import { processesWith } from '../notebook/processes';

/** A cluster on a busy machine takes its time. */
export const LONG_MS = 90_000;

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

/** The id of the job that a cell with `--detach` submits. */
export async function detach(run: Run, code: string): Promise<string> {
  const { reply, messages } = await run(code);
  const shown = messages.map(({ content }) => JSON.stringify(content)).join('\n');
  const id = /Job (\w{6}) is submitted/.exec(shown)?.[1];
  if (id === undefined) throw new Error(`Nothing was submitted: ${JSON.stringify(reply)}`);
  return id;
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
  const lock = execFileSync('cat', [join(kernel.directory, 'state', 'agent.lock')], { encoding: 'utf8' });
  return Number(/"pid":(\d+)/.exec(lock)?.[1]);
}

/** Ends the processes that the connection is made of on the other side, as a network does that resets; waits for it to be there. */
export async function cutConnection(store: string): Promise<void> {
  const deadline = Date.now() + LONG_MS;
  for (;;) {
    const all = processesWith(`CELLBURST_STATE_DIR=${store}`);
    const bridges = all.filter(({ command }) => command.includes('--bridge'));
    for (const { pid } of bridges) sendSignal(pid, 'SIGKILL');
    if (bridges.length > 0) return;
    if (Date.now() > deadline) throw new Error(`There is no connection to the agent of ${store}.`);
    await pause(20);
  }
}
