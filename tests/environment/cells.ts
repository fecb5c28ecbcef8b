// Cells of a kernel, and what came of them, for the tests of packages.
import type { CellResult, KernelClient } from '../kernel/client';

const LONG_MS = 90_000;

export interface Cells {
  run(code: string): Promise<CellResult>;
}

export function cellsOf(kernel: KernelClient): Cells {
  return {
    run: async (code) => kernel.outcome(await kernel.startCell(code), performance.now(), LONG_MS),
  };
}

/** The value that was shown, as text; throws what the cell threw. */
export function value({ result, reply }: CellResult): string {
  if (reply['status'] !== 'ok') throw new Error(JSON.stringify(reply));
  const bundle = result?.['data'] as Record<string, string> | undefined;
  return plain(bundle?.['text/plain'] ?? '');
}

export function traceback({ reply }: CellResult): string[] {
  return (reply['traceback'] as string[]).map(plain);
}

function plain(text: string): string {
  // eslint-disable-next-line no-control-regex -- Colours are no part of what is asserted.
  return text.replaceAll(/\u001b\[\d+m/g, '');
}
