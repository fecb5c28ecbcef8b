// `npm run docs`: writes docs/reference from the tables that the programs read themselves. `--check` only says what is out of date.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './setup/places.mjs';
import { reference } from './docs/reference.mjs';

const isCheck = process.argv.includes('--check');
const stale = [];
for (const { file, text } of await reference()) {
  const path = join(root, file);
  if (read(path) === text) continue;
  stale.push(file);
  if (isCheck) continue;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
if (stale.length > 0) console.log(`${isCheck ? 'Out of date (npm run docs)' : 'Written'}: ${stale.join(', ')}`);
process.exitCode = isCheck && stale.length > 0 ? 1 : 0;

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}
