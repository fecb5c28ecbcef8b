// The version of this package, from its package.json: beside dist/ for programs, further up for sources.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ProtocolError } from './errors';
import { parseJson, record, text } from './shape';

export const VERSION = readVersion(__dirname);

function readVersion(from: string): string {
  for (let directory = from; ; directory = dirname(directory)) {
    const path = join(directory, 'package.json');
    if (existsSync(path)) return parseJson(readFileSync(path, 'utf8'), record({ version: text }), path).version;
    if (dirname(directory) === directory)
      throw new ProtocolError(`Cannot find the package.json of Cellburst above ${from}.`);
  }
}
