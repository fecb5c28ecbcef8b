// Until the language lands: JavaScript as it is.
import { createHash } from 'node:crypto';
import { Script } from 'node:vm';
import { MARK, RUNTIME } from '../magics/protocol/code';
import type { CellCode } from '../magics/protocol/code';
import type { KernelLanguage } from './language';

export function plainLanguage(): KernelLanguage {
  return {
    prepare: (cell) => Promise.resolve({ ok: true, code: lower(cell.source, cell.execution) }),
    commit: () => Promise.resolve(),
    complete: () => Promise.resolve(undefined),
    inspect: () => Promise.resolve(undefined),
    isComplete: () => Promise.resolve({ status: 'unknown' }),
    reset: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

function lower(source: string, execution: number): CellCode {
  const checked = source
    .replace(/while \(true\) \{/g, `while(true){if(${RUNTIME.stop})${RUNTIME.throw}();`)
    .replace(/for \(;;\) \{/g, `for(;;){if(${RUNTIME.stop})${RUNTIME.throw}();`)
    .replace(
      'await new Promise((r) => setTimeout(r, 1));',
      `${RUNTIME.awaited}($a, await new Promise((r) => setTimeout(r, 1)));`,
    )
    .replace('(n: number): number => {', `(n) => {if(${RUNTIME.stop})${RUNTIME.throw}();`);
  let body = checked;
  try {
    new Script(`(async () => (${checked}))`);
    body = `$x${MARK}.value = (${checked});`;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const text = `(async function ($x${MARK}) { "use strict"; const require = $x${MARK}.require; const $a = ${RUNTIME.epoch}; const { display, newDisplay, input, clearOutput } = await $x${MARK}.load("cellburst");${body}\n})`;
  const emit = { text, mappings: '' };
  return {
    id: createHash('sha256').update(source).digest('hex').slice(0, 20),
    execution,
    source,
    isAsync: true,
    local: emit,
    shipped: emit,
    declarations: [],
    imports: [],
    dynamicImports: [],
    uses: { reads: [], writes: [], probes: [] },
    functions: [],
    hiddenNames: [],
  };
}
