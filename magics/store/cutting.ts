// Where a file is cut into chunks. In the arrays of a bundle after every MiB: they change in place. Elsewhere the bytes themselves decide (a "gear"
// hash over the last 32 of them), so that what is put in or taken out moves the cuts beside it and no others.
import { createHash } from 'node:crypto';
import { isZero } from './zeros';

export interface Section {
  readonly offset: number;
  readonly bytes: number;
  readonly cut: Cut;
}

/** Bytes. Equal sizes: cut there, whatever the bytes are. */
export interface Cut {
  readonly smallest: number;
  readonly largest: number;
  /** A cut comes after so many bytes beyond `smallest`, on average; a power of two. */
  readonly usual: number;
}

const KIB = 1024;
/** One changed element is one chunk. */
export const ARRAY_CUT: Cut = { smallest: KIB * KIB, largest: KIB * KIB, usual: 1 };
/** Records of a graph, entries of a tree: one changed object is a chunk or two. The list is 36 bytes a chunk. */
export const RECORD_CUT: Cut = { smallest: 16 * KIB, largest: 256 * KIB, usual: 32 * KIB };
/** Files: what changes in 100 places of a GB is 4 % of it. Three quarters of each chunk are not looked at for a cut: that is half of the time. */
export const FILE_CUT: Cut = { smallest: 192 * KIB, largest: KIB * KIB, usual: 64 * KIB };

/** 256 numbers that nobody chose. Part of the format only in so far as another table finds nothing again. */
const GEAR = Int32Array.from({ length: 256 }, (_, byte) =>
  createHash('sha256').update(`cellburst gear ${byte}`).digest().readInt32LE(0),
);
const WINDOW = 32;

/** How many of the first bytes are the next chunk. `isLast`: nothing comes behind these bytes. Without it they must be `largest` or more. */
export function nextCut(bytes: Buffer, { smallest, largest, usual }: Cut, isLast: boolean): number {
  const end = Math.min(bytes.length, largest);
  if (bytes.length <= smallest) return isLast ? bytes.length : end;
  // In zeros there is nothing to cut at, and they are compared much quicker than they are looked through.
  if (smallest === largest || isZero(bytes.subarray(0, end))) return end;
  // The upper bits: they have seen the whole window.
  const mask = -(2 ** (32 - Math.log2(usual))) | 0;
  for (let at = smallest; at < end; at += BLOCK) {
    const cut = cutIn(bytes, at, Math.min(at + BLOCK, end), mask);
    if (cut > 0) return cut;
  }
  return end;
}

/** A function of its own that is called often: V8 gives up on one long loop that it once had to leave, and stays 40 times slower. */
const BLOCK = 4 * KIB;

/** The first cut behind `from`, before or at `to`; 0: there is none. */
function cutIn(bytes: Buffer, from: number, to: number, mask: number): number {
  let hash = 0;
  for (let at = Math.max(0, from - WINDOW); at < from; at++) hash = ((hash << 1) + (GEAR[bytes[at] ?? 0] ?? 0)) | 0;
  for (let at = from; at < to; at++) {
    hash = ((hash << 1) + (GEAR[bytes[at] ?? 0] ?? 0)) | 0;
    if ((hash & mask) === 0) return at + 1;
  }
  return 0;
}
