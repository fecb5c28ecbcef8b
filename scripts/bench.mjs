// `npm run bench [-- --rows start,cell] [-- --json FILE]`: how quick it is, against what there was before. A goal that is not met is said, and fails nothing.
// On a machine that others keep busy: `chrt -r 5 npm run bench`, as root, takes both sides out of their way.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runScript, setUp } from './setup.mjs';
import { SetupError } from './setup/progress.mjs';

await runScript(async () => {
  const { values } = parseArgs({ options: { json: { type: 'string' }, rows: { type: 'string' } } });
  await setUp({ jupyter: false });
  // Only now: the packages that these load may have been installed just above.
  const { rows } = await import('../bench/rows.mjs');
  const { runRows } = await import('../bench/run.mjs');
  const report = await runRows(chosen(rows, values.rows));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
});

function chosen(rows, keys) {
  if (keys === undefined) return rows;
  return keys.split(',').map((key) => {
    const row = rows.find((candidate) => candidate.key === key.trim());
    if (row !== undefined) return row;
    throw new SetupError(`There is no row ${key}. The rows are ${rows.map((candidate) => candidate.key).join(', ')}.`);
  });
}
