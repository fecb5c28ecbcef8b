// A numeric loop at the top level of a cell against the same loop in a function, in one kernel: what live bindings and interrupt checks cost.
// The cell takes its own time, so that the messages around it do not count.
import { prepareNode, NODE_VERSIONS } from '../scripts/setup/nodes.mjs';
import { startOurs, startReady } from './kernels.mjs';
import { alternate } from './row.mjs';

const TURNS = 20_000_000;
const LOOP = `let sum = 0; for (let i = 0; i < ${TURNS}; i++) { sum = (sum + i * i) % 1000003; }`;
const AT_TOP_LEVEL = `const begun = performance.now(); ${LOOP} performance.now() - begun`;
const IN_FUNCTION = `const begun = performance.now(); (() => { ${LOOP} return sum; })(); performance.now() - begun`;

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
      const version = NODE_VERSIONS.find((candidate) => candidate.startsWith(`${major}.`));
      const node = await prepareNode(version);
      const kernel = await startReady(bench, () => startOurs(bench, node));
      for (const cell of [AT_TOP_LEVEL, IN_FUNCTION]) await kernel.run(cell);
      const milliseconds = async (cell) => Number(await kernel.run(cell));
      return alternate({ runs: 7, ours: () => milliseconds(AT_TOP_LEVEL), reference: () => milliseconds(IN_FUNCTION) });
    },
  };
}

export const loopOnNode20 = loopOn(20, 6);
export const loopOnNode24 = loopOn(24, 2);
