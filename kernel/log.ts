// The kernel's log file: what went wrong and has no cell to be shown in. Made at the first line, so a quiet kernel leaves no file.
import { appendFileSync, mkdirSync, readdirSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { stateDirectory } from '../magics/protocol/platform';

export interface Log {
  /** Where the lines go; the file exists once there is one. */
  readonly path: string;
  write(line: string, error?: unknown): void;
}

const MAX_LOG_BYTES = 4 * 1024 * 1024;
const KEPT_DAYS = 7;

/** `kernel-<pid>.log` in the user's state directory; `CELLBURST_STATE_DIR` moves it. */
export function openLog(environment: NodeJS.ProcessEnv = process.env): Log {
  const directory = join(stateDirectory(environment), 'logs');
  const path = join(directory, `kernel-${process.pid}.log`);
  let bytes = -1;
  return {
    path,
    write(line, error) {
      const text = `${new Date().toISOString()} ${line}${error === undefined ? '' : `: ${describe(error)}`}\n`;
      try {
        if (bytes < 0) {
          mkdirSync(directory, { recursive: true, mode: 0o700 });
          removeOldLogs(directory);
          bytes = 0;
        }
        if (bytes > MAX_LOG_BYTES) return;
        bytes += text.length;
        appendFileSync(path, text, { mode: 0o600 });
      } catch (cause) {
        // No log can be written (a full or read-only disk): Jupyter's own log is the last place to say so.
        bytes = MAX_LOG_BYTES + 1;
        process.stderr.write(`cellburst: cannot write ${path} (${describe(cause)}). ${text}`);
      }
    },
  };
}

function removeOldLogs(directory: string): void {
  const oldest = Date.now() - KEPT_DAYS * 86_400_000;
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (/^kernel-\d+\.log$/.test(name) && statSync(path).mtimeMs < oldest) unlinkSync(path);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
