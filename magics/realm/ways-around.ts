// What to do about a refused value that only hangs on something the code uses: take the needed part out first.
import { mangle } from '../protocol/code';
import type { CellCode } from '../protocol/code';
import type { Refusal } from '../protocol/errors';
import type { Code } from './code-table';

/** Adds the hint where all that runs there takes other properties of the value than the refused one: `cells` run as wholes, `codes` are the functions that go along. */
export function withWaysAround(
  refusals: readonly Refusal[],
  cells: readonly CellCode[],
  codes: Iterable<Code>,
): readonly Refusal[] {
  const texts = [
    ...cells.map((cell) => cell.shipped.text),
    ...Array.from(codes, ({ cell, function: { shipped } }) => cell.shipped.text.slice(shipped.start, shipped.end)),
  ];
  return refusals.map((refusal) => {
    const { root, property } = partsOf(refusal.path);
    if (property === undefined || texts.some((text) => hasWord(text, property) || usesWhole(text, root)))
      return refusal;
    return { ...refusal, advice: `${refusal.advice}, or take what the cell needs out of \`${root}\` before it` };
  });
}

/** Of a path of plain properties: where it begins, and the name it ends with. */
function partsOf(path: string): { readonly root: string; readonly property: string | undefined } {
  const [, root = '', , property] = /^([^.[{⟨]+)(?:\.[^.[{⟨]+|\[\d+\])*?(\.([^.[{⟨]+))(?:\[\d+\])*$/.exec(path) ?? [];
  return { root, property };
}

/** Is the name used for more than to take a property of what it holds? */
function usesWhole(text: string, name: string): boolean {
  const binding = mangle(name);
  for (let at = text.indexOf(binding); at >= 0; at = text.indexOf(binding, at + 1))
    if (!/^\s*\??\.\s*[\p{ID_Start}$_#]/u.test(text.slice(at + binding.length, at + binding.length + 40))) return true;
  return false;
}

function hasWord(text: string, word: string): boolean {
  const at = new RegExp(`(?<![\\p{ID_Continue}$])${word.replaceAll(/[$]/g, '\\$&')}(?![\\p{ID_Continue}$])`, 'u');
  return at.test(text);
}
