// What a cell process is started with, for whoever starts it: its runner, or the script of a batch job, which starts both at once.

const MIN_HEAP_MIB = 32;
/** Node itself, its threads, code, and buffers outside the heap. */
const MIN_ROOM_MIB = 96;
const ROOM_SHARE = 0.25;

/** --max-old-space-size for a grant. */
export function heapMiB(memoryMiB: number): number {
  const room = Math.max(MIN_ROOM_MIB, memoryMiB * ROOM_SHARE);
  return Math.max(MIN_HEAP_MIB, Math.floor(memoryMiB - room));
}

/** V8's heap is fixed when a process starts. */
export function cellFlags(memoryMiB: number | undefined): readonly string[] {
  return memoryMiB === undefined ? [] : [`--max-old-space-size=${heapMiB(memoryMiB)}`];
}

/** Where a runner finds the pipes of a cell process that was started beside it: the ends that are not the cell's. */
export const BESIDE_FD = { output: 0, errors: 3, records: 4, orders: 5 } as const;
