// Is what was made still made from what lies here? A stamp is a digest of the sources, kept beside what was made of them.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

const NOT_SOURCES = new Set(['node_modules', 'dist', 'build', '.cache', '.git', 'lib']);

/**
 * Digest of files by name and content.
 * @param {string} root names are taken relative to it, so a moved clone keeps its stamps
 * @param {readonly string[]} paths files, or directories with everything below them; what does not exist counts as absent
 * @param {RegExp} [wanted] only files below directories whose name matches
 */
export function digest(root, paths, wanted = /./) {
  const hash = createHash('sha256');
  for (const file of paths.flatMap((path) => filesAt(join(root, path), wanted)).sort()) {
    hash.update(`${relative(root, file).split(sep).join('/')}\0`);
    hash.update(readFileSync(file));
    hash.update('\0');
  }
  return hash.digest('hex');
}

function filesAt(path, wanted) {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => !NOT_SOURCES.has(entry.name))
    .flatMap((entry) => {
      const below = join(path, entry.name);
      if (entry.isDirectory()) return filesAt(below, wanted);
      return entry.isFile() && wanted.test(entry.name) ? [below] : [];
    });
}

export function readStamp(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

export function writeStamp(path, stamp) {
  writeFileSync(`${path}.${process.pid}`, stamp);
  renameSync(`${path}.${process.pid}`, path);
}
