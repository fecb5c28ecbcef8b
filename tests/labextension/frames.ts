// What updates cost a page: the time of its main thread for each, and the longest time between two frames.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';

export interface UpdateCost {
  /** Of the page's main thread alone: what other processes take does not count. */
  readonly cpuMsPerUpdate: number;
  readonly longestFrameMs: number;
}

/** Longer than the monitor gathers, so that each is a message of its own. */
const PAUSE_MS = 150;

export async function measureUpdates(page: Page, updates: number, update: (turn: number) => void): Promise<UpdateCost> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
  const busySeconds = async (): Promise<number> => {
    const { metrics } = await devtools.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0;
  };
  const frames = page.evaluate(watchFrames, updates * PAUSE_MS + 500);
  const before = await busySeconds();
  for (let turn = 0; turn < updates; turn++) {
    update(turn);
    await sleep(PAUSE_MS);
  }
  const longestFrameMs = await frames;
  const cpuMsPerUpdate = (((await busySeconds()) - before) * 1000) / updates;
  await devtools.detach();
  return { cpuMsPerUpdate, longestFrameMs };
}

/** Runs in the page: the longest time between two frames, in ms. */
export function watchFrames(forMs: number): Promise<number> {
  return new Promise((resolve) => {
    const began = performance.now();
    let last = began;
    let longest = 0;
    const look = (now: number): void => {
      longest = Math.max(longest, now - last);
      last = now;
      if (now - began < forMs) requestAnimationFrame(look);
      else resolve(longest);
    };
    requestAnimationFrame(look);
  });
}
