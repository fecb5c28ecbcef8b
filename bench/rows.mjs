// The rows of the bench, in the order of the table. A new row is one file and one line.
import { array } from './array.mjs';
import { busyNames } from './busy-names.mjs';
import { cell } from './cell.mjs';
import { clusterCell } from './cluster-cell.mjs';
import { completion } from './completion.mjs';
import { growth } from './growth.mjs';
import { loopOnNode20, loopOnNode24 } from './loop.mjs';
import { start } from './start.mjs';
import { typing } from './typing.mjs';

/** @type {readonly import('./row.mjs').Row[]} */
export const rows = [
  start,
  cell,
  growth,
  completion,
  typing,
  busyNames,
  loopOnNode20,
  loopOnNode24,
  clusterCell,
  array,
];
