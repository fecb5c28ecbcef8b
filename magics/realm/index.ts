// Where cells are evaluated, at home and on a worker.
export { Realm } from './realm';
export type { CellRun, RealmOptions } from './realm';
export { KeyboardInterrupt, clearStop, epoch, isInterrupt, raiseEpoch } from './interrupts';
export { withoutMarks } from './frames';
export type { Exports } from './modules';
