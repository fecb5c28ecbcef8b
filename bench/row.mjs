// How a row is measured: both sides in turn, so that a change of the machine's mood meets both; then medians.
import { performance } from 'node:perf_hooks';
import { LateError } from './client.mjs';

/** A person's pause between two cluster cells; what is made ready ahead of need is made in it. */
export const PAUSE_MS = 500;

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {string} key for `--rows`
 * @property {string} unit of what `measure` gives
 * @property {{ atMost: number } | { atLeast: number } | { atMostMore: number } | { atMostAlone: number } | undefined} goal for ours / reference, for
 *   ours less reference, or for ours alone; undefined: told, not judged
 * @property {string} against what the reference is, in words
 * @property {(bench: Bench) => Promise<Measured>} measure
 *
 * @typedef {{ ours: number, reference?: number }} Measured
 *
 * @typedef {object} Bench what a row may use
 * @property {string} directory a temporary one
 * @property {NodeJS.ProcessEnv} environment for kernels: state of its own
 * @property {<T extends { close(): Promise<void> }>(started: Promise<T>) => Promise<T>} own closes it after the row
 */

/**
 * Runs both sides in turn and gives the median of each, or another quantile.
 * @param {{ runs: number, quantile?: number, ours: () => Promise<number>, reference: () => Promise<number> }} sides each gives one measurement
 * @returns {Promise<Measured>}
 */
export async function alternate({ runs, quantile = 0.5, ours, reference }) {
  const measured = { ours: [], reference: [] };
  for (let turn = 0; turn < runs; turn++) {
    // Who begins changes too.
    const order = turn % 2 === 0 ? ['ours', 'reference'] : ['reference', 'ours'];
    for (const side of order) {
      const value = await counted(side === 'ours' ? ours : reference);
      if (value !== undefined) measured[side].push(value);
    }
  }
  for (const [side, values] of Object.entries(measured))
    if (values.length < runs / 2) throw new Error(`Only ${values.length} of ${runs} runs of ${side} came to an end.`);
  return { ours: quantileOf(measured.ours, quantile), reference: quantileOf(measured.reference, quantile) };
}

async function counted(run) {
  try {
    return await run();
  } catch (error) {
    if (error instanceof LateError) return undefined;
    throw error;
  }
}

/** @returns {Promise<number>} milliseconds that the action took */
export async function timed(action) {
  const started = performance.now();
  await action();
  return performance.now() - started;
}

/** What a share of the values (0.95: 95 of 100) does not exceed. */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}

export function median(values) {
  return quantileOf(values, 0.5);
}

/** Between two values, in proportion. */
function quantileOf(values, quantile) {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * quantile;
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return below + (above - below) * (place % 1);
}
