// Until magics/ lands: what the kernel asks of it.
import type { Cell, CellOutcome, NotebookSession } from '../magics/namespace';
import { UsageError } from '../magics/protocol/errors';

export interface MagicCompletion {
  readonly start: number;
  readonly end: number;
  readonly matches: readonly { readonly text: string; readonly type: string }[];
}

export interface MagicCells {
  /** Does this cell belong to a magic? */
  owns(source: string): boolean;
  run(cell: Cell): Promise<CellOutcome>;
  /** Offsets in UTF-16. Undefined where the cursor is not on a magic line: then TypeScript answers. */
  complete(source: string, offset: number): Promise<MagicCompletion | undefined>;
  inspect(source: string, offset: number): string | undefined;
}

export function openMagics(session: NotebookSession): MagicCells {
  const reason = `This build has no magics (asked in ${session.directory}).`;
  return {
    owns: (source) => /^\s*%/.test(source),
    run: () => Promise.reject(new UsageError(reason)),
    complete: () => Promise.resolve(undefined),
    inspect: () => undefined,
  };
}
