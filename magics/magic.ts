// What a magic is: one entry of the table in magics/table.ts, which serves running, help, completion and inspection.
import type { ClusterSession } from './cluster';
import type { MagicLine } from './line';
import type { Cell, CellOutcome } from './namespace';

export interface MagicCall {
  readonly cell: Cell;
  readonly line: MagicLine;
  readonly session: ClusterSession;
}

/** A word that completion offers. */
export interface Offer {
  readonly text: string;
  readonly type: string;
}

/** Where the cursor stands on a magic line. */
export interface MagicPlace {
  readonly line: MagicLine;
  /** The text from the last blank to the cursor. */
  readonly partial: string;
  /** The words before it, without the magic's name. */
  readonly earlier: readonly string[];
  readonly session: ClusterSession;
  /** Ids for `%cluster attach …`, asked only when needed. */
  readonly jobs: () => Promise<readonly string[]>;
}

export interface Magic {
  /** `%cd [FOLDER]` */
  readonly usage: string;
  /** One sentence. */
  readonly help: string;
  /** All there is to say; `usage` and `help`, if not given. */
  manual?(session: ClusterSession): string;
  /** Of a cell magic: the rest of the cell is no TypeScript. */
  readonly takesText?: boolean;
  run(call: MagicCall): Promise<CellOutcome>;
  /** What may stand at the cursor; those are offered that begin with `partial`, or with what of it comes after `from`. */
  offers?(place: MagicPlace): Promise<Offers> | Offers;
  /** Help for what stands at an offset of the line, where there is more to say than `manual`. */
  explain?(line: MagicLine, at: number, session: ClusterSession): string | undefined;
}

export interface Offers {
  readonly words: readonly Offer[];
  /** How much of `partial` stays: `--cores=` when only the value is to be completed. */
  readonly kept?: number;
}

export function manualOf(magic: Magic, session: ClusterSession): string {
  return magic.manual?.(session) ?? `${magic.usage}\n\n${magic.help}`;
}

export function offer(type: string, texts: readonly string[]): Offers {
  return { words: texts.map((text) => ({ text, type })) };
}
