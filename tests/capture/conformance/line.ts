// A line of the conformance list, as data.

/** What it says, cells before, the cell in question, the text of its value (undefined: none), and expressions that hold at home afterwards. */
export type Line = readonly [
  sentence: string,
  before: readonly string[],
  cell: string,
  value: string | undefined,
  after?: readonly (readonly [expression: string, value: string | number | boolean])[],
];
