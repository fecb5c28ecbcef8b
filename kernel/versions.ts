// Versions of packages, from their package.json: loading TypeScript only to ask for its version would take longer than our whole start.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Of a package we depend on; 'unknown' when it is not installed. */
export function versionOf(packageName: string): string {
  try {
    return readVersion(createRequire(__filename).resolve(`${packageName}/package.json`));
  } catch {
    // Told to whoever asks for a version; whoever needs the package itself will say more.
    return 'unknown';
  }
}

/** Ours: the programs lie in dist/, beside package.json. */
export function ownVersion(): string {
  return readVersion(join(__dirname, '..', 'package.json'));
}

function readVersion(path: string): string {
  const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'));
  const version: unknown = typeof parsed === 'object' && parsed !== null ? Reflect.get(parsed, 'version') : undefined;
  return typeof version === 'string' ? version : 'unknown';
}
