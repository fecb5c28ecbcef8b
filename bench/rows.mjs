// The rows of the bench, in the order of the table. A new row is one file and one line.
import { analysis } from './analysis.mjs';
import { array } from './array.mjs';
import { busyNames } from './busy-names.mjs';
import { cell, cellBesideDeno } from './cell.mjs';
import { channel } from './channel.mjs';
import { clusterCell, clusterCellP95 } from './cluster-cell.mjs';
import { completion, completionBesideDeno } from './completion.mjs';
import {
  changedFile,
  largeBesidePlainRsync,
  largeBesideRsync,
  largeBesideScp,
  readFile,
  smallFiles,
  smallFilesAgain,
} from './files.mjs';
import { growth } from './growth.mjs';
import { loopBesideDeno, loopOnNode20, loopOnNode24 } from './loop.mjs';
import { memory, monitor } from './memory.mjs';
import { objects } from './objects.mjs';
import { panelChange, panelFrame, panelUpdate } from './panel.mjs';
import { packagesAgain, packagesFirst } from './packages.mjs';
import { lineLocal, lineSlurm, lineSsh, slurmCell, slurmCellBesideBatch, slurmEnd } from './slurm-cell.mjs';
import { start, startBesideDeno } from './start.mjs';
import { typing } from './typing.mjs';
import { unchanged } from './unchanged.mjs';

/** @type {readonly import('./row.mjs').Row[]} */
export const rows = [
  start,
  startBesideDeno,
  cell,
  cellBesideDeno,
  growth,
  completion,
  completionBesideDeno,
  typing,
  busyNames,
  loopOnNode20,
  loopOnNode24,
  loopBesideDeno,
  memory,
  monitor,
  clusterCell,
  clusterCellP95,
  slurmCell,
  slurmCellBesideBatch,
  slurmEnd,
  lineLocal,
  lineSlurm,
  lineSsh,
  array,
  packagesAgain,
  packagesFirst,
  smallFiles,
  smallFilesAgain,
  changedFile,
  largeBesideRsync,
  largeBesidePlainRsync,
  largeBesideScp,
  readFile,
  channel,
  objects,
  unchanged,
  analysis,
  panelChange,
  panelUpdate,
  panelFrame,
];
