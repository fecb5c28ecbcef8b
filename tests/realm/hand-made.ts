// Cells lowered by hand, for tests that are about the realm alone. `x_` in the text stands for the notebook name x, `$h_` for a runtime name.
import { createHash } from 'node:crypto';
import { MARK } from '../../magics/protocol/code';
import type { CellCode, Declaration, DeclarationKind, ModuleImport } from '../../magics/protocol/code';

export interface HandMade {
  readonly body: string;
  readonly execution?: number;
  readonly isAsync?: boolean;
  readonly declares?: Readonly<Record<string, DeclarationKind>>;
  readonly imports?: readonly ModuleImport[];
}

export function cellOf({ body, execution = 1, isAsync = false, declares = {}, imports = [] }: HandMade): CellCode {
  const marked = body.replace(/(\$\w|\b[A-Za-z]\w*?)_\b/g, (_, name: string) =>
    name.startsWith('$') ? `$${MARK}${name.slice(1)}` : name + MARK,
  );
  const text = `(${isAsync ? 'async ' : ''}function ($${MARK}x) { "use strict"; ${marked} })`;
  const names = Object.entries(declares);
  const declarations: Declaration[] = names.map(([name, kind], index) => ({
    name,
    kind,
    step: kind === 'function' ? 0 : index,
  }));
  const emit = { text, mappings: '' };
  return {
    id: createHash('sha256').update(body).digest('hex').slice(0, 20),
    execution,
    source: body,
    isAsync,
    local: emit,
    shipped: emit,
    declarations,
    imports,
    dynamicImports: [],
    uses: { reads: [], writes: [], probes: [] },
    functions: [],
    hiddenNames: [],
  };
}
