// Plays one fault: sends a cell, breaks what is to be broken, brings the job home, and looks at what the person at the notebook got: the class of the
// error or the value, the output whole and in order, the cell run once, the job submitted once, the result given once. What takes too long is a hang.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { CellResult } from '../kernel/client';
import { Bench, HANG_MS, filesIn, openPlace, until, type Place } from './bench';
import { rememberJobs, type Victim } from './breaking';
import { FAULTS, type Fault } from './faults';

/** `npm run test:faults` tries them all. */
const areAll = process.env['CELLBURST_FAULTS'] === 'all';
const LINES = 20;

export function describeFaults(place: Place): void {
  const faults = FAULTS.filter(({ on, quick }) => on.includes(place) && (areAll || quick?.includes(place)));
  const system = openPlace(place);
  const describeIf = system.ok ? describe : describe.skip;
  describeIf(`faults on ${place}${system.ok ? '' : ` (not tested: ${system.reason})`}`, () => {
    let bench: Bench;
    beforeAll(async () => {
      if (system.ok) bench = await Bench.start(place, system);
    }, HANG_MS);
    afterAll(() => bench.stop(), HANG_MS);
    test.each(faults.map((fault, index) => [fault.name, fault, index] as const))(
      '%s',
      (_, fault, index) => play(bench, fault, `f${index}`),
      3 * HANG_MS,
    );
    if (place === 'ssh')
      test(
        'nothing of all that is left on the host',
        async () => {
          await until('the jobs there are cleared away', () => filesIn(bench.jobs).length === 0, 100);
        },
        HANG_MS,
      );
  });
}

async function play(bench: Bench, fault: Fault, name: string): Promise<void> {
  const marks = bench.system.makeDirectory('marks');
  const mark = (what: string) => join(marks, `${name}.${what}`);
  for (const what of ['runs', 'begun', 'go']) rmSync(mark(what), { force: true });
  if (fault.isHeavy === true) await bench.run('const heavy = Float64Array.from({ length: 3_000_000 }, (_, i) => i);');
  if (isPacked(fault)) writePackage(bench.kernel.directory);
  if (fault.isHeld === true && bench.place === 'ssh') await bench.occupyHost();
  rememberJobs(bench);
  await fault.before?.(bench);
  try {
    const ended = await playThrough(bench, fault, name, mark);
    expectEnd(fault, ended, mark('runs'));
    if (fault.ends.kind === 'value') await expectOnce(bench, ended);
    if (bench.place !== 'ssh') await expectSubmittedOnce(bench, fault, name);
  } catch (error) {
    // It may hang in a cell: the next fault gets a kernel that listens.
    await bench.replaceKernel();
    throw error;
  } finally {
    if (fault.isHeld === true && bench.place === 'ssh') bench.freeHost();
    await fault.after?.(bench);
  }
}

interface Ended {
  readonly id: string | undefined;
  readonly result: CellResult;
}

async function playThrough(bench: Bench, fault: Fault, name: string, mark: (what: string) => string): Promise<Ended> {
  const sent = bench.run(cellOf(bench, fault, name, mark));
  const id = sent.then(idOf);
  // Whoever needs it waits for it; a job that is refused has none.
  id.catch(() => undefined);
  const victim: Victim = {
    bench,
    name,
    id: async () => (await id) ?? (await refuse(sent)),
    begun: async () => {
      await until('the cell has begun', () => existsSync(mark('begun')));
      // What it has printed is on its way to the spool.
      await pause(150);
    },
    goOn: () => {
      writeFileSync(mark('go'), '', { mode: 0o644 });
    },
  };
  await fault.breaks(victim);
  // What has to end by itself is not helped to its end.
  if (fault.ends.kind !== 'error') victim.goOn();
  const job = await id;
  return { id: job, result: job === undefined ? await sent : await bench.run(`%cluster attach ${job}`) };
}

async function refuse(sent: Promise<CellResult>): Promise<never> {
  throw new Error(`There is no job: ${JSON.stringify((await sent).reply)}`);
}

function idOf({ messages }: CellResult): string | undefined {
  const shown = messages.map(({ content }) => JSON.stringify(content)).join('\n');
  return /Job (\w{6}) is submitted/.exec(shown)?.[1];
}

function cellOf(bench: Bench, fault: Fault, name: string, mark: (what: string) => string): string {
  const native = bench.place === 'slurm' ? '--hold' : '-h';
  const hold = fault.isHeld === true && bench.place !== 'ssh' ? ` --native '${native}'` : '';
  const wait = `while (!fs.existsSync(${JSON.stringify(mark('go'))})) await new Promise((go) => setTimeout(go, 20));`;
  return [
    `%%cluster ${fault.cluster ?? bench.cluster} --detach --name ${name} ${fault.options ?? ''}${hold}`,
    "import * as fs from 'node:fs';",
    ...(isPacked(fault) ? ["import { pinned } from 'pinned';", 'pinned();'] : []),
    `fs.appendFileSync(${JSON.stringify(mark('runs'))}, 'x');`,
    ...(fault.isHeavy === true ? ['const back = heavy.map((x) => x + 1);'] : []),
    `for (let i = 0; i < ${LINES}; i++) console.log('line', i);`,
    `fs.writeFileSync(${JSON.stringify(mark('begun'))}, '');`,
    fault.middle ?? wait,
    `for (let i = ${LINES}; i < ${2 * LINES}; i++) console.log('line', i);`,
    "'the result'",
  ].join('\n');
}

function isPacked({ options }: Fault): boolean {
  return options?.includes('--env-mode') === true;
}

/** A package for the notebook to bring along. */
function writePackage(folder: string): void {
  const place = join(folder, 'node_modules', 'pinned');
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'package.json'), '{ "name": "pinned", "version": "1.0.0", "main": "index.js" }');
  writeFileSync(join(place, 'index.js'), 'exports.pinned = () => 1;');
  writeFileSync(join(place, 'index.d.ts'), 'export function pinned(): number;');
}

function expectEnd({ ends }: Fault, { result }: Ended, runs: string): void {
  const { reply } = result;
  const began = existsSync(runs) ? readFileSync(runs, 'utf8').length : 0;
  const lines = (count: number) => Array.from({ length: count }, (_, i) => `line ${i}\n`).join('');
  if (ends.kind === 'value or refusal' && began === 0) {
    expect([reply['ename'], reply['evalue']]).toEqual([ends.name, expect.stringMatching(ends.says)]);
    return;
  }
  if (ends.kind !== 'error') {
    expect([reply['status'], reply['ename'], reply['evalue']]).toEqual(['ok', undefined, undefined]);
    expect(JSON.stringify(result.result?.['data'])).toContain('the result');
    expect(result.stdout).toBe(lines(2 * LINES));
    expect(began).toBe(1);
    return;
  }
  expect([reply['ename'], reply['evalue']]).toEqual([ends.name, expect.stringMatching(ends.says ?? /./)]);
  expect(began).toBe(ends.runs ?? 1);
  // Until then, whole and in order; what ends by itself may have printed all of it.
  const printed = [0, LINES, 2 * LINES].map(lines);
  expect(printed).toContain(result.stdout);
}

/** A job that never runs may have been submitted all the same: it could not be started. */
function isBeforeSubmission(ends: Fault['ends']): boolean {
  if (ends.kind !== 'error' || ends.runs !== 0) return false;
  return ['JobRejectedError', 'SchedulerError', 'DiskFullError'].includes(ends.name);
}

/** The result is in the notebook, and is given to nobody again. */
async function expectOnce(bench: Bench, { id }: Ended): Promise<void> {
  const again = await bench.run(`%cluster attach ${id ?? ''}`);
  expect(String(again.reply['evalue'])).toContain('delivered already');
}

async function expectSubmittedOnce(bench: Bench, { ends }: Fault, name: string): Promise<void> {
  const wanted = isBeforeSubmission(ends) ? 0 : 1;
  const mine = async () => (await bench.names(wanted > 0)).filter((job) => job.startsWith(`${name}.cb`)).length;
  let count = await mine();
  // Accounting is some seconds late, a job may be in no list for a moment, and a controller that was away has to be asked again.
  if (count < wanted) await until('the batch system knows the job', async () => (count = await mine()) >= wanted, 300);
  expect(count).toBe(wanted);
}
