// Which calls of a cell name files: `input('data.csv')` and `output('fit.json')` for certain, and others that look as if they did, for advice.
import { ts } from '../compiler';
import type { FileUse } from '../../magics/protocol/code';
import { meaningAt, type Rewriting } from './names';

/** Methods and functions of node:fs that make what they name (Node.js documentation, "File system"). */
const WRITING = /^(writeFile|appendFile|createWriteStream|mkdtemp|cp|copyFile)(Sync)?$/;
/** A path with a suffix, and nothing in it that files are rarely called by. */
const LIKE_A_FILE = /^(?!\w+:|\.{0,2}\/?node_modules\/)[^\n\r\t*?"<>|{}$]{1,300}\.[A-Za-z][A-Za-z0-9]{0,9}$/;
/** What is loaded by other means than by opening a file. */
const LOADING = new Set(['require', 'import', 'fetch', 'resolve']);

export function fileUseOf(r: Rewriting, callee: ts.Expression, literal: string): FileUse['how'] | undefined {
  const name = nameOf(callee);
  if (name === undefined) return undefined;
  if (ts.isIdentifier(callee) && (name === 'input' || name === 'output')) {
    const { is } = meaningAt(r, callee, callee);
    return is === 'unknown' || is === 'global' ? name : undefined;
  }
  if (!LIKE_A_FILE.test(literal) || LOADING.has(name)) return undefined;
  return WRITING.test(name) ? 'written' : 'read';
}

function nameOf(callee: ts.Expression): string | undefined {
  if (ts.isIdentifier(callee)) return callee.text;
  return ts.isPropertyAccessExpression(callee) && ts.isIdentifier(callee.name) ? callee.name.text : undefined;
}
