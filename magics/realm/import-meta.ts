// What `import.meta` gives in a cell and in a local module.
import { createRequire } from 'node:module';
import { basename, dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MAIN } from '../protocol/main-context';
import { isLocalSpecifier } from './local-sources';

/** `path`: absolute, of the file; for a cell, of the file that the notebook would be. */
export function importMeta(path: string): unknown {
  const url = pathToFileURL(path).href;
  return Object.assign(new MAIN.Object(), {
    url,
    filename: path,
    dirname: dirname(path),
    resolve: (specifier: string) => {
      if (isLocalSpecifier(specifier)) return new URL(specifier, url).href;
      const resolved = createRequire(path).resolve(specifier);
      // Builtins resolve to their names.
      return basename(resolved) === resolved ? `node:${resolved.replace(/^node:/, '')}` : pathToFileURL(resolved).href;
    },
  });
}
