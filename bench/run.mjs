// Runs rows, prints them as one table, and gives them as facts for a file.
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, availableParallelism, cpus, platform, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { load } from '../scripts/load.mjs';

const require = createRequire(import.meta.url);

/** @param {readonly import('./row.mjs').Row[]} rows */
export async function runRows(rows) {
  const results = [];
  for (const row of rows) {
    process.stderr.write(`… ${row.name}\n`);
    results.push(await runRow(row));
  }
  print(results, rows);
  return { machine: machine(), versions: versions(), rows: results };
}

/** A row that cannot be measured here stays in the table, as not met, with the reason. */
async function runRow(row) {
  const { goal, name, unit } = row;
  const shownGoal = showGoal(goal, unit);
  try {
    const { ours, reference } = await inPlace((bench) => row.measure(bench));
    const met = isMet(goal, ours, reference);
    const compared = reference === undefined ? { reference: null, ratio: null } : compare(ours, reference);
    return { name, ours: round(ours), ...compared, unit, goal: shownGoal, met };
  } catch (error) {
    process.stderr.write(`✗ ${name}: ${error.message}\n`);
    const problem = String(error.message).split('\n')[0];
    return {
      name,
      ours: null,
      reference: null,
      unit,
      ratio: null,
      goal: shownGoal,
      met: goal === undefined ? null : false,
      problem,
    };
  }
}

function showGoal(goal, unit) {
  if (goal === undefined) return null;
  if ('atMostAlone' in goal) return `<= ${goal.atMostAlone} ${unit}`;
  if ('atMostMore' in goal) return `<= +${goal.atMostMore} ${unit}`;
  return 'atMost' in goal ? `<= ${goal.atMost}` : `>= ${goal.atLeast}`;
}

function compare(ours, reference) {
  return { reference: round(reference), ratio: round(ours / reference) };
}

/** null: the row is told, not judged. */
function isMet(goal, ours, reference) {
  if (goal === undefined) return null;
  if ('atMostAlone' in goal) return ours <= goal.atMostAlone;
  if ('atMostMore' in goal) return ours - reference <= goal.atMostMore;
  const ratio = ours / reference;
  return 'atMost' in goal ? ratio <= goal.atMost : ratio >= goal.atLeast;
}

/** Gives a row a directory and a state of its own, and ends afterwards what it has started. */
export async function inPlace(measure) {
  const { endProcesses } = await load('tests/notebook/processes.ts');
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'cellburst-bench-')));
  const state = join(directory, 'state');
  const run = join(directory, 'run');
  mkdirSync(run, { mode: 0o700 });
  const environment = {
    ...process.env,
    CELLBURST_STATE_DIR: state,
    XDG_RUNTIME_DIR: run,
    CELLBURST_AGENT_IDLE_SECONDS: '30',
  };
  const owned = [];
  const own = async (started) => {
    const thing = await started;
    owned.push(thing);
    return thing;
  };
  try {
    return await measure({ directory, environment, own });
  } finally {
    for (const thing of owned.reverse()) await thing.close();
    await endProcesses(`CELLBURST_STATE_DIR=${state}`);
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

function print(results, rows) {
  const lines = results.map((result, index) => [
    result.name,
    amount(result.ours, result.unit),
    amount(result.reference, result.unit),
    rows[index].against,
    result.ratio === null ? '–' : `${result.ratio}×`,
    result.goal?.replace('<=', '≤').replace('>=', '≥') ?? '–',
    verdict(result),
  ]);
  const table = [['', 'ours', 'reference', 'which is', 'ratio', 'goal', ''], ...lines];
  const widths = table[0].map((_, column) => Math.max(...table.map((line) => line[column].length)));
  for (const line of table)
    console.log(
      line
        .map((text, column) => text.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    );
  console.log('\nMedians of alternating runs.');
}

function verdict({ met, ours }) {
  if (met === null) return ours === null ? 'not measured' : '';
  if (met) return 'met';
  return ours === null ? 'not met (not measured)' : 'not met';
}

function amount(value, unit) {
  return value === null ? '–' : `${value} ${unit}`;
}

/** Three digits are more than the machine's mood leaves true. */
function round(value) {
  return Number(value.toPrecision(3));
}

function machine() {
  const memoryGiB = Math.round(totalmem() / 2 ** 30);
  return {
    platform: platform(),
    release: release(),
    arch: arch(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB,
  };
}

function versions() {
  const of = (name) => require(`${name}/package.json`).version;
  return {
    node: process.versions.node,
    cellburst: require('../package.json').version,
    tslab: of('tslab'),
    typescript: of('typescript'),
    zeromq: of('zeromq'),
  };
}
