// Executes a notebook cell by cell, prints it as it goes, and saves it with its outputs.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from '../setup/places.mjs';
import { openTranscript } from './transcript.mjs';

const CELL_TIMEOUT_SECONDS = 300;

/**
 * @param {typeof import('../../tests/notebook/server').startServer} startServer
 * @param {string} directory where the notebook lies
 * @param {string} name of the notebook, without `.ipynb`
 * @returns {Promise<number>} the exit code
 */
export async function demonstrate(startServer, directory, name) {
  const document = JSON.parse(readFileSync(join(directory, `${name}.ipynb`), 'utf8'));
  const transcript = await openTranscript();
  // Its state is a temporary directory: a demo never touches the person's jobs.
  const server = await startServer({ directory });
  const stop = () => void server.close().then(() => process.exit(130));
  process.once('SIGINT', stop);
  let failed;
  try {
    const notebook = await server.openNotebook(`${name}.ipynb`);
    failed = await runCells(notebook, document.cells, transcript);
  } finally {
    await server.close();
    process.off('SIGINT', stop);
  }
  const executed = join(directory, `${name}.executed.ipynb`);
  writeFileSync(`${executed}.part`, `${JSON.stringify(document, undefined, 1)}\n`);
  renameSync(`${executed}.part`, executed);
  const count = document.cells.filter((cell) => cell.cell_type === 'code').length;
  console.log(
    failed === undefined
      ? `All ${count} cells ran. The executed notebook: ${relative(root, executed)}`
      : `Cell [${failed}] failed. The notebook as far as it came: ${relative(root, executed)}`,
  );
  return failed === undefined ? 0 : 1;
}

/** @returns the number of the cell that failed, if one did; what a cell marks as its lesson (`raises-exception`, as in nbclient) is no failure */
async function runCells(notebook, cells, transcript) {
  for (const cell of cells) {
    const source = Array.isArray(cell.source) ? cell.source.join('') : cell.source;
    if (cell.cell_type === 'markdown') transcript.markdown(source);
    if (cell.cell_type !== 'code') continue;
    transcript.source(source);
    const run = await notebook.run(source, {
      cellId: cell.id,
      timeoutSeconds: CELL_TIMEOUT_SECONDS,
      onOutput: (_outputs, message) => transcript.output(message),
    });
    cell.outputs = run.outputs;
    cell.execution_count = run.executionCount;
    transcript.end();
    const expected = cell.metadata?.tags?.includes('raises-exception') === true;
    if ((run.error !== undefined) !== expected) return run.executionCount;
  }
  return undefined;
}
