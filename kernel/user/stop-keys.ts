// Keys (for Symbol.for) of the two functions that the interrupt thread calls through the inspector, see stopping.ts. Apart from it, since that thread
// loads nothing else of the main one.
export const STOP_TURN = 'cellburst.stop-turn';
export const DISARM = 'cellburst.disarm';
