// Until the realm lands: cells as they are, without bindings of their own.
import { runInThisContext } from 'node:vm';
import { RUNTIME, scriptName } from '../../magics/protocol/code';
import type { CellCode, CellContext } from '../../magics/protocol/code';

export interface Running {
  readonly progress: () => number;
  readonly ended: Promise<{ readonly hasValue: boolean; readonly value?: unknown }>;
}

export interface Evaluator {
  run(code: CellCode, signal: AbortSignal): Running;
}

export function plainEvaluator(host: Readonly<Record<string, unknown>>): Evaluator {
  const define = (name: string, value: unknown) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  const interrupt = () => {
    throw Object.assign(new Error('The cell was interrupted.'), { name: 'KeyboardInterrupt' });
  };
  define(RUNTIME.stop, false);
  define(RUNTIME.epoch, 0);
  define(RUNTIME.throw, interrupt);
  define(RUNTIME.awaited, (epoch: number, value: unknown) => (epoch === Reflect.get(globalThis, RUNTIME.epoch) ? value : interrupt()));
  for (const [name, value] of Object.entries(host)) define(name, value);
  define('require', require);
  return {
    run: (code) => {
      const context = {} as CellContext;
      const cell = runInThisContext(code.local.text, { filename: scriptName(code) }) as (c: CellContext) => Promise<void>;
      const ended = cell(context).then(() => ('value' in context ? { hasValue: true, value: context.value } : { hasValue: false }));
      return { progress: () => context.progress?.() ?? 0, ended };
    },
  };
}
