// The kernel's log file: what went wrong and has no cell to be shown in. Made at the first line, so a quiet kernel leaves no file. Written beside the
// kernel's work, never in it: a disk that hangs must not make the kernel deaf.
import { appendFile, mkdir, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { stateDirectory } from '../magics/protocol/platform';

export interface Log {
  /** Where the lines go; the file exists once there is one. */
  readonly path: string;
  write(line: string, error?: unknown): void;
  /** Resolves when all lines are written, or cannot be. */
  close(): Promise<void>;
}

const MAX_LOG_BYTES = 4 * 1024 * 1024;
const MAX_WAITING_BYTES = 256 * 1024;
const KEPT_DAYS = 7;

/** `kernel-<pid>.log` in the user's state directory; `CELLBURST_STATE_DIR` moves it. */
export function openLog(environment: NodeJS.ProcessEnv = process.env): Log {
  return new FileLog(join(stateDirectory(environment), 'logs'));
}

class FileLog implements Log {
  readonly path: string;
  readonly #directory: string;
  #bytes = 0;
  #waiting = '';
  #isMade = false;
  #writing: Promise<void> | undefined;

  constructor(directory: string) {
    this.#directory = directory;
    this.path = join(directory, `kernel-${process.pid}.log`);
  }

  write(line: string, error?: unknown): void {
    if (this.#bytes > MAX_LOG_BYTES || this.#waiting.length > MAX_WAITING_BYTES) return;
    const text = `${new Date().toISOString()} ${line}${error === undefined ? '' : `: ${describe(error)}`}\n`;
    this.#bytes += text.length;
    this.#waiting += text;
    this.#writing ??= this.#writeAll();
  }

  async close(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    // Lines of this turn of the loop go together.
    await Promise.resolve();
    while (this.#waiting !== '') {
      const text = this.#waiting;
      this.#waiting = '';
      try {
        if (!this.#isMade) {
          await mkdir(this.#directory, { recursive: true, mode: 0o700 });
          await removeOldLogs(this.#directory);
          this.#isMade = true;
        }
        await appendFile(this.path, text, { mode: 0o600 });
      } catch (cause) {
        // No log can be written (a full or read-only disk): Jupyter's own log is the last place to say so.
        this.#bytes = MAX_LOG_BYTES + 1;
        process.stderr.write(`cellburst: cannot write ${this.path} (${describe(cause)}). ${text}`);
      }
    }
    this.#writing = undefined;
  }
}

async function removeOldLogs(directory: string): Promise<void> {
  const oldest = Date.now() - KEPT_DAYS * 86_400_000;
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if (/^kernel-\d+\.log$/.test(name) && (await stat(path)).mtimeMs < oldest) await unlink(path);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
