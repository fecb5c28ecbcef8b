// Bytes by their digests: what an agent keeps of them, and how they get from one agent to another without what is there already.
export { Contents, type Content, type ContentsOptions, type StoreLimits } from './contents';
export { ContentSource, scan } from './source';
export { containerPart, filePart } from './parts';
export { linkTo, place, putFound, refuseTaken } from './placing';
export { Reading } from './batches';
export { lookAt, readAll, readAsContent, type LookedAt, type ReadOptions } from './finding';
export { receive, type Giver } from './receiving';
export { sweepSeen } from './seen';
export { readPiece, send, toPieces, type Known, type Receiver, type SendProgress, type Sent } from './sending';
export { nameTransfer, sendWhileReading, type Announcement, type SendTarget, type StreamReceiver } from './streaming';
export type { Unpacked } from './tree';
