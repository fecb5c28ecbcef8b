// A path as another machine names it.
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { UsageError } from '../protocol/errors';

/** `~/` is the home directory. Throws UsageError for what begins nowhere. */
export function here(path: string): string {
  const full = path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
  if (!isAbsolute(full))
    throw new UsageError(
      `Cannot read the path ${JSON.stringify(path)}: an absolute one, or one that begins with ~/, was expected.`,
    );
  return full;
}
