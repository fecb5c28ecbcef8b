// What comes back of a job: one container (container.ts) whose head is this, whose graph holds the values. The envelope decides, the scheduler explains.

export const ENVELOPE_PROTOCOL = 1;

export interface EnvelopeHead {
  readonly protocol: typeof ENVELOPE_PROTOCOL;
  readonly outcome: 'value' | 'error';
  /** The cell ended in an expression. */
  readonly hasValue: boolean;
  /** Names that the graph's root carries: declared, assigned or changed by the cell. */
  readonly names: readonly string[];
  /** How many of the cell's top-level declarations were initialised (all, unless it threw). */
  readonly progress: number;
  /** Declared values that could not travel back, each with the reason: they read as an error at home. */
  readonly stayed: readonly { readonly name: string; readonly message: string }[];
  readonly runtime: {
    readonly node: string;
    readonly platform: string;
    readonly hostname: string;
    readonly pid: number;
    readonly directory: string;
  };
  /** ms since the epoch, by the worker's clock. */
  readonly startedAt: number;
  readonly endedAt: number;
}
