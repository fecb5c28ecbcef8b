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

/** Read by the loader, the C library, Node or V8 when a process starts; setting them later comes too late. */
const READ_AT_START =
  /^(?:(?:NODE_|UV_|LD_|LC_|LANG|GLIBC_|MALLOC_|OPENSSL_|SSL_CERT_|ICU_)\w*|TZ|NO_COLOR|FORCE_COLOR)$/;

/** Those variables of a job that its cell process has to be started with. All others come with its orders: a value that is secret stands on no command line. */
export function startVariables(environment: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => READ_AT_START.test(name)));
}

/** Where a runner finds the pipes of a cell process that was started beside it: the ends that are not the cell's. */
export const BESIDE_FD = { output: 0, errors: 3, records: 4, orders: 5 } as const;
