// Imported before the compiler: keeps its compiled code on disk, where Node can (22.1 and later), so that the next start is faster.
import * as nodeModule from 'node:module';

const { enableCompileCache, flushCompileCache } = nodeModule as {
  enableCompileCache?: (directory?: string) => unknown;
  flushCompileCache?: () => void;
};

enableCompileCache?.();

/** Writes what was compiled so far: a worker thread is ended without notice. */
export function keepCompiled(): void {
  flushCompileCache?.();
}
