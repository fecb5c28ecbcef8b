// A job after it was made: its record and directory, where it stands, its output.
export { Jobs, type JobsOptions } from './jobs';
export { JobStore, type Fence } from './store';
export { followOutput, type OutputPiece } from './follow';
export { Bell } from './bell';
export type { Retention } from './retention';
export { keepResults } from './durability';
