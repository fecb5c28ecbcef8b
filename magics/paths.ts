// Completion of paths on this machine: `%cd …`, `--in …`, `%cluster fs put …`.
import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { resolve } from 'node:path';

/** What begins with what was typed, from a working directory; folders end with a slash. Nothing for what is no folder (yet). */
export async function completePaths(partial: string, directory: string, kind: 'folders' | 'all'): Promise<string[]> {
  const typed = partial.slice(0, partial.lastIndexOf('/') + 1);
  const folder = resolve(directory, expandHome(typed === '' ? '.' : typed));
  try {
    // Not synchronously: the disk may be slow, and whoever completes has other things to answer.
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => kind === 'all' || entry.isDirectory())
      .filter((entry) => !entry.name.startsWith('.') || partial.slice(typed.length).startsWith('.'))
      .map((entry) => `${typed}${entry.name}${entry.isDirectory() ? '/' : ''}`);
  } catch {
    // Not a folder (yet): there is nothing to offer.
    return [];
  }
}

export function expandHome(path: string): string {
  return path === '~' ? homedir() : path.startsWith('~/') ? `${homedir()}${path.slice(1)}` : path;
}
