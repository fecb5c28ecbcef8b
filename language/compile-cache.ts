// Imported before the compiler: keeps its compiled code on disk, so that the next start is faster. Node does so itself from 22.1 on; before, the
// compiler is loaded here by hand, with what V8 kept of an earlier start. Without a cache, or with one that V8 refuses, it is loaded as ever.
import { isAscii } from 'node:buffer';
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { dirname, join } from 'node:path';
import { Script } from 'node:vm';
import { crc32 } from 'node:zlib';
import { stateDirectory } from '../magics/protocol/platform';

const { enableCompileCache, flushCompileCache } = nodeModule as {
  enableCompileCache?: (directory?: string) => unknown;
  flushCompileCache?: () => void;
};

interface Compiled {
  readonly script: Script;
  readonly path: string;
}

const KEPT_DAYS = 30;
/** A CRC-32 stands before the compiled code. */
const SUM_BYTES = 4;

/** Compiled without help of the cache. */
let fresh: Compiled | undefined;

if (enableCompileCache) enableCompileCache();
else loadCompiler();

/** Writes what was compiled so far: a worker thread is ended without notice. */
export function keepCompiled(): void {
  flushCompileCache?.();
  if (fresh) write(fresh.path, fresh.script.createCachedData());
  fresh = undefined;
}

/** Loads the compiler into Node's table of modules, where `require` finds it. */
function loadCompiler(): void {
  const own = nodeModule.createRequire(__filename);
  const program = own.resolve('typescript');
  const bytes = readFileSync(program);
  const text = bytes.toString(isAscii(bytes) ? 'latin1' : 'utf8');
  const path = cachePath(program);
  const cachedData = readOwn(path);
  const script = new Script(`(function(exports,require,module,__filename,__dirname){${text}\n})`, {
    filename: program,
    ...(cachedData ? { cachedData } : {}),
  });
  if (!cachedData || script.cachedDataRejected) fresh = { script, path };
  const module = new nodeModule.Module(program);
  module.filename = program;
  // The text above is a function of Node's module wrapper.
  const run = script.runInThisContext() as (...wrapped: unknown[]) => void;
  run.call(module.exports, module.exports, nodeModule.createRequire(program), module, program, dirname(program));
  module.loaded = true;
  own.cache[program] = module;
}

/** Another version of Node, or another compiler, has another file. */
function cachePath(program: string): string {
  const { size, mtimeMs } = statSync(program);
  const facts = [program, size, mtimeMs, process.version, process.arch];
  const digest = createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 20);
  return join(stateDirectory(process.env), 'compiled', `${digest}.bin`);
}

/** It is code, and V8 takes damaged code as it is: only what we wrote ourselves and what came whole is run. */
function readOwn(path: string): Buffer | undefined {
  try {
    const { uid } = statSync(path);
    if (process.getuid !== undefined && uid !== process.getuid()) return undefined;
    const bytes = readFileSync(path);
    const compiled = bytes.subarray(SUM_BYTES);
    return bytes.length > SUM_BYTES && bytes.readUInt32LE() === crc32(compiled) ? compiled : undefined;
  } catch {
    // The first start, or a disk that cannot be read: the compiler is compiled anew.
    return undefined;
  }
}

function write(path: string, compiled: Buffer): void {
  const folder = dirname(path);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const beside = `${path}.${randomUUID()}`;
    const sum = Buffer.alloc(SUM_BYTES);
    sum.writeUInt32LE(crc32(compiled));
    writeFileSync(beside, Buffer.concat([sum, compiled]), { mode: 0o600 });
    renameSync(beside, path);
    removeOld(folder);
  } catch {
    // A full or read-only disk: the next start is no faster, and that is all.
  }
}

/** Of compilers and versions of Node that are no more. */
function removeOld(folder: string): void {
  const oldest = Date.now() - KEPT_DAYS * 24 * 3600 * 1000;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).mtimeMs < oldest) rmSync(path, { force: true });
  }
}
