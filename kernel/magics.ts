// The one place where cells that begin with `%` leave the kernel for magics/.
import type { Cell, CellOutcome, NotebookSession } from '../magics/namespace';
import { UsageError } from '../magics/protocol/errors';
import type { Completion, Inspection } from './language';

export interface Magics {
  /** Does the first line that is not empty begin with `%`? */
  isMagic(source: string): boolean;
  runMagic(cell: Cell, session: NotebookSession): Promise<CellOutcome>;
  /** Absent: the language answers. */
  completeMagic(source: string, offset: number): Completion | undefined;
  inspectMagic(source: string, offset: number): Inspection | undefined;
}

export const magics: Magics = {
  isMagic: (source) => /^\s*%/.test(source),
  runMagic: () => Promise.reject(new UsageError('This build has no magics.')),
  completeMagic: () => undefined,
  inspectMagic: () => undefined,
};
