// Which version of a package code finds that runs in a folder: the notebook's, at home, and the one where its cell runs, which may be another.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** As the package's own package.json says; undefined where it is not installed, or has none. */
export function versionOf(directory: string, name: string): string | undefined {
  for (const folder of createRequire(join(directory, 'notebook.js')).resolve.paths(name) ?? []) {
    const version = readVersion(join(folder, name, 'package.json'));
    if (version !== undefined) return version;
  }
  return undefined;
}

/** A sentence for each package that is here in another version than was expected. */
export function versionNotices(expected: Readonly<Record<string, string>>, directory: string): string[] {
  return Object.entries(expected).flatMap(([name, wanted]) => {
    const here = versionOf(directory, name);
    if (here === undefined || here === wanted) return [];
    return [
      `Note: this cell runs with ${name} ${here}, and the notebook has ${wanted}. --env-mode bundle brings the notebook's.`,
    ];
  });
}

function readVersion(path: string): string | undefined {
  try {
    const manifest: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const version: unknown =
      typeof manifest === 'object' && manifest !== null ? Reflect.get(manifest, 'version') : undefined;
    return typeof version === 'string' ? version : undefined;
  } catch {
    // Not in this folder: the next one up may have it.
    return undefined;
  }
}
