// Where cells are evaluated, at home and on a worker.
export { Realm } from './realm';
export type { CellRun, RealmOptions } from './realm';
export {
  KeyboardInterrupt,
  clearStop,
  endEpoch,
  enterEpoch,
  epoch,
  isInterrupt,
  onInterrupt,
  raiseEpoch,
  tellEpochBy,
  whenResumed,
} from './interrupts';
export { markLocal } from './local-marks';
export { makePmap } from './pmap';
export { makeRegisterCodec } from './codecs';
export type { Pmap, PmapOptions, PmapSetting } from './pmap';
export { withoutMarks } from './frames';
export type { Exports } from './modules';
