// A numeric loop at the top level of a cell against the same loop in a function, in one kernel: what live bindings and interrupt checks cost; and
// against the same loop at the top level of a cell of Deno's. The cell takes its own time, so that the messages around it do not count.
import { stripVTControlCharacters } from 'node:util';
import { prepareNode, NODE_VERSIONS } from '../scripts/setup/nodes.mjs';
import { startDeno, startOurs, startReady } from './kernels.mjs';
import { alternate } from './row.mjs';

const TURNS = 20_000_000;
const RUNS = 7;
const LOOP = `let sum = 0; for (let i = 0; i < ${TURNS}; i++) { sum = (sum + i * i) % 1000003; }`;
const AT_TOP_LEVEL = `const begun = performance.now(); ${LOOP} performance.now() - begun`;
const IN_FUNCTION = `const begun = performance.now(); (() => { ${LOOP} return sum; })(); performance.now() - begun`;

/** @param {number} major version of Node */
async function startOn(bench, major) {
  const node = await prepareNode(NODE_VERSIONS.find((candidate) => candidate.startsWith(`${major}.`)));
  return startReady(bench, () => startOurs(bench, node));
}

/** Deno colours its results. */
async function milliseconds(kernel, cell) {
  return Number(stripVTControlCharacters(String(await kernel.run(cell))));
}

/**
 * @param {number} major version of Node
 * @param {number} atMost
 * @returns {import('./row.mjs').Row}
 */
function loopOn(major, atMost) {
  return {
    key: `loop-${major}`,
    name: `top-level loop, Node ${major}`,
    unit: 'ms',
    against: 'the loop in a function',
    goal: { atMost },
    async measure(bench) {
      const kernel = await startOn(bench, major);
      for (const cell of [AT_TOP_LEVEL, IN_FUNCTION]) await kernel.run(cell);
      return alternate({
        runs: RUNS,
        ours: () => milliseconds(kernel, AT_TOP_LEVEL),
        reference: () => milliseconds(kernel, IN_FUNCTION),
      });
    },
  };
}

export const loopOnNode20 = loopOn(20, 6);
export const loopOnNode24 = loopOn(24, 2);

/** @type {import('./row.mjs').Row} */
export const loopBesideDeno = {
  key: 'loop-deno',
  name: 'top-level loop, Node 24',
  unit: 'ms',
  against: 'the loop in a cell of Deno',
  goal: { atMost: 2 },
  async measure(bench) {
    const [ours, deno] = [await startOn(bench, 24), await startReady(bench, startDeno)];
    let count = 0;
    // Deno's cells cannot declare a name twice in every form: each run has names of its own.
    const cell = () => {
      const [begun, sum] = [`begun${count}`, `sum${count++}`];
      return AT_TOP_LEVEL.replaceAll('begun', begun).replaceAll('sum', sum);
    };
    await Promise.all([ours, deno].map((kernel) => kernel.run(cell())));
    return alternate({
      runs: RUNS,
      ours: () => milliseconds(ours, cell()),
      reference: () => milliseconds(deno, cell()),
    });
  },
};
