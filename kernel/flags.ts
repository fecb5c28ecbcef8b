// What the kernelspecs say to the kernel's program; a file of its own, since the kernel starts by it and needs nothing else of installing.

/** Cells are JavaScript: only what does not parse is a problem. */
export const JAVASCRIPT_FLAG = '--javascript';
