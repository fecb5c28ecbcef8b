// `new Worker('./x.ts')`: worker threads whose program is a local module, TypeScript included. Cells and local modules see the module
// node:worker_threads with this class in it; everything else about it is Node's own.
import { extname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as threads from 'node:worker_threads';
import type { WorkerOptions } from 'node:worker_threads';
import { isLocalSpecifier } from './local-sources';
import type { LocalSources, SourcesStart } from './local-sources';
import type { Exports } from './modules';

export interface ThreadSetting {
  /** The notebook's folder: a relative path that the working directory does not have is looked for here. */
  readonly directory: string;
  /** As of the realm. */
  readonly packages?: string;
  readonly missingAdvice?: string;
  readonly sources: LocalSources;
  /** Of a thread; `thread.js` beside this program, if not given. */
  readonly program?: string;
}

/** What the program of a thread is told. */
export interface ThreadStart {
  readonly path: string;
  readonly directory: string;
  readonly packages?: string;
  readonly missingAdvice?: string;
  readonly sources: SourcesStart;
  /** The user's own. */
  readonly workerData: unknown;
}

/** Node reads these itself, and better. */
const NATIVE: ReadonlySet<string> = new Set(['.mjs', '.cjs']);

/** What `import … from 'node:worker_threads'` gives. */
export function makeThreads(setting: ThreadSetting): Exports {
  const program = setting.program ?? join(__dirname, 'thread.js');
  const placed = (filename: string | URL, options: WorkerOptions): [string | URL, WorkerOptions] => {
    const path = options.eval === true ? undefined : localPath(filename, setting);
    if (path === undefined) return [filename, options];
    const sources = setting.sources.describe();
    if (sources.kind === 'disk' && NATIVE.has(extname(path))) return [path, options];
    const { directory, packages, missingAdvice } = setting;
    const start: ThreadStart = {
      ...{ path, directory, sources, workerData: options.workerData },
      ...(packages === undefined ? {} : { packages }),
      ...(missingAdvice === undefined ? {} : { missingAdvice }),
    };
    return [program, { ...options, workerData: start }];
  };
  class LocalWorker extends threads.Worker {
    constructor(filename: string | URL, options: WorkerOptions = {}) {
      super(...placed(filename, options));
    }
  }
  Object.defineProperty(LocalWorker, 'name', { value: 'Worker' });
  const view = { ...threads, Worker: LocalWorker };
  return Object.assign(view, { default: view });
}

function localPath(filename: string | URL, { directory, sources }: ThreadSetting): string | undefined {
  if (typeof filename !== 'string') {
    const path = String(filename).startsWith('file:') ? fileURLToPath(String(filename)) : undefined;
    return path === undefined ? undefined : sources.resolve(path, directory);
  }
  if (!isLocalSpecifier(filename)) return undefined;
  // Node means the working directory; %cd may have changed it.
  const here = isAbsolute(filename) ? filename : resolve(process.cwd(), filename);
  return sources.resolve(here, directory) ?? sources.resolve(filename, directory);
}
