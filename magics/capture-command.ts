// `%cluster capture [NAMES]`: what names of the notebook would take along, without a cell that uses them.
import type { ClusterSession } from './cluster';
import { didYouMean } from './config/nearest';
import { dryRun } from './dry-run';
import { pointAt, type MagicLine, type Word } from './line';
import type { Cell, CellOutcome } from './namespace';
import { parseOptions } from './parse-options';
import { showProblems } from './problems';
import type { NamedValue } from './protocol/chores';
import { showText, succeed } from './show';

/** `words`: names, or cells by their numbers; none means all names. */
export async function runCapture(
  words: readonly Word[],
  line: MagicLine,
  cell: Cell,
  session: ClusterSession,
): Promise<CellOutcome> {
  const known = await session.namespace.chore('names', {}, cell.signal);
  if (known.length === 0) return succeed(showText('The notebook has no names yet.'));
  const names =
    words.length === 0 ? known.map(({ name }) => name) : words.flatMap((word) => meantBy(word, known, line));
  const source = `%%cluster\nvoid [${[...new Set(names)].join(', ')}];`;
  const prepared = await session.language.prepare({ source, execution: cell.execution }, cell.signal);
  if (!prepared.ok) return { ok: false, error: showProblems(prepared.problems, source, cell.execution) };
  return dryRun(prepared.code, parseOptions({ ...line, words: [] }, session.clusters), cell, session);
}

function meantBy(word: Word, known: readonly NamedValue[], line: MagicLine): string[] {
  if (known.some(({ name }) => name === word.text)) return [word.text];
  const number = /^(?:\[(\d+)\]|(\d+))$/.exec(word.text);
  const execution = Number(number?.[1] ?? number?.[2]);
  const declared = known.filter((one) => number !== null && one.execution === execution);
  if (declared.length > 0) return declared.map(({ name }) => name);
  const what = number === null ? `no name ${JSON.stringify(word.text)}` : `no name of cell ${execution}`;
  const names = known.map(({ name }) => name);
  throw pointAt(line.text, word, `There is ${what} in this notebook.${didYouMean(word.text, names)} %who lists them.`);
}
