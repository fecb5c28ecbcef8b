// What each dialect makes of one and the same job: its script and submit command as recorded, its refusals in words.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../magics/protocol/errors';
import type { NativeId } from '../../magics/protocol/job';
import type { BatchDialect, BatchJob, BatchResources } from '../../magics/schedulers/dialect';
import { nativeName } from '../../magics/schedulers/request';
import { gridEngine } from '../../magics/schedulers/gridengine';
import { DIALECTS } from '../../magics/schedulers/index';
import { pbs } from '../../magics/schedulers/pbs';
import { batchScript, commandLine } from '../../magics/transports/shell';
import { slurm } from '../../magics/schedulers/slurm';
import { cancellationOf } from './recorded';

test('the table knows each dialect by its word in the config', () => {
  expect([...DIALECTS.values()]).toEqual([slurm, gridEngine, pbs]);
  expect([...DIALECTS.keys()]).toEqual(['slurm', 'gridengine', 'pbs']);
});

const job = (resources: Partial<BatchResources> = {}, more: Partial<BatchJob> = {}): BatchJob => ({
  token: 'cb0123456789',
  name: 'bootstrap of "weights"',
  directory: '/home/alice/.cache/cellburst/jobs/17',
  command: ['/usr/bin/node', 'runner.js', "it's here"],
  environment: { GREETING: "good day, it's me" },
  resources: { cores: 1, ...resources },
  native: [],
  site: { parallelEnvironment: 'smp', gpuResource: 'gpu' },
  ...more,
});

/** Everything that all three can express, and what one more of them can. */
const FULL: Readonly<Record<string, Partial<BatchResources>>> = {
  slurm: { tasks: 4, nodes: 2, qos: 'high', constraint: 'a100&!old', reservation: 'friday', exclusive: true },
  gridengine: { tasks: 2, reservation: '12' },
  pbs: { tasks: 4, nodes: 2, exclusive: true },
};

function recordOf(dialect: BatchDialect, given: BatchJob): string {
  const script = batchScript({
    directives: dialect.directives(given),
    title: 'Cell [3] of the notebook',
    environment: given.environment,
    directory: given.directory,
    command: given.command,
  });
  return `$ ${commandLine(dialect.submitCommand(given, `${given.directory}/job.sh`))}\n${script}`;
}

describe.each([...DIALECTS.values()].map((dialect) => [dialect.name, dialect] as const))('%s', (name, dialect) => {
  const golden = (kind: string) => join(__dirname, '..', 'recorded', 'scripts', `${name}-${kind}.txt`);
  const cases = [
    ['least', job()],
    [
      'full',
      job(
        { cores: 8, memoryMiB: 4096, wallTimeSeconds: 5430, gpus: 2, queue: 'long', account: 'chem', ...FULL[name] },
        { native: ['-p', '7'] },
      ),
    ],
  ] as const;
  test.each(cases)(
    'writes the recorded script and command for what is asked: %s (CELLBURST_RECORD=1 records anew)',
    (kind, given) => {
      if (process.env['CELLBURST_RECORD'] === '1') writeFileSync(golden(kind), recordOf(dialect, given));
      expect(recordOf(dialect, given)).toBe(readFileSync(golden(kind), 'utf8'));
    },
  );
  test('directives are plain words: nothing in them needs quoting', () => {
    for (const [, given] of cases)
      for (const line of dialect.directives(given)) expect(line).toMatch(/^#[A-Z$]+ [\w=:.,&|!()*@/ -]+$/);
  });
  test.each([
    ['a queue with a blank', { queue: 'a b' }],
    ['a queue that begins a new line', { queue: 'a\n#SBATCH --uid=0' }],
    ['an account with a quote', { account: 'a"b' }],
    ['half a core', { cores: 0.5 }],
    ['no core', { cores: 0 }],
    ['negative memory', { memoryMiB: -1 }],
  ] as const)('refuses %s before anything is sent', (_, resources) => {
    expect(() => dialect.directives(job(resources))).toThrow(UsageError);
  });
  test.each([[['script.sh']], [['--']], [['-N', 'x', '--']], [['-o', '/elsewhere']], [['-']]])(
    'refuses the native arguments %j, which would lose the job',
    (native) => {
      expect(() => dialect.submitCommand(job({}, { native }), '/s')).toThrow(UsageError);
    },
  );
  test('native arguments are handed on as they are', () => {
    const native = ['-l', 'odd="a b";id'];
    expect(dialect.submitCommand(job({}, { native }), '/s')).toEqual(expect.arrayContaining(native));
  });
  test('ids are arguments, one question for all', () => {
    const ids = ['1', '2'] as unknown as NativeId[];
    expect(dialect.changeCommand('cancel', ids).slice(-2)).toEqual(ids);
    expect(typeof dialect.statusCommand(ids)[0]).toBe('string');
  });
  test('the words of a refusal reach the person', () => {
    expect(() => {
      dialect.confirmChange('hold', { exitCode: 1, stdout: '', stderr: 'you may not do that' });
    }).toThrow(`${dialect.title} did not hold the job: you may not do that`);
  });
  test('a change that was not answered in time may be tried again', () => {
    expect(cancellationOf(dialect, { exitCode: null, stdout: '', stderr: '' })).toBe('not heard');
  });
});

describe('what a system has no word for is refused, with what to do instead', () => {
  test.each([
    [gridEngine, { nodes: 2 }, /--nodes\. .*parallel environments/],
    [gridEngine, { qos: 'high' }, /--qos/],
    [gridEngine, { constraint: 'a100' }, /--native/],
    [gridEngine, { exclusive: true }, /--native/],
    [slurm, { tasks: 2, nodes: 3 }, /2 tasks over 3 nodes/],
    [pbs, { qos: 'high' }, /--qos/],
    [pbs, { constraint: 'a100' }, /--native/],
    [pbs, { reservation: 'R1' }, /--queue/],
    [pbs, { tasks: 3, nodes: 2 }, /3 tasks evenly over 2 nodes/],
  ] as const)('%# %o', (dialect, resources, words) => {
    expect(() => dialect.directives(job(resources))).toThrow(words);
  });
  test('Grid Engine needs to be told what the site calls cores and GPUs', () => {
    expect(() => gridEngine.directives(job({ cores: 2 }, { site: {} }))).toThrow(/parallelEnvironment.*qconf -spl/);
    expect(() => gridEngine.directives(job({ gpus: 1 }, { site: {} }))).toThrow(/gpuResource.*qconf -sc/);
  });
  test('paths that qsub would read as something else', () => {
    for (const directory of ['/home/a:b', '/home/a,b']) {
      expect(() => gridEngine.submitCommand(job({}, { directory }), '/s')).toThrow(UsageError);
      expect(() => pbs.submitCommand(job({}, { directory }), '/s')).toThrow(UsageError);
    }
    expect(() => gridEngine.submitCommand(job({}, { directory: '/home/$JOB_ID' }), '/s')).toThrow(UsageError);
  });
});

describe('each option is one argument of each system, or a refusal', () => {
  const table: readonly (readonly [string, Partial<BatchResources>, string, string, string])[] = [
    ['one core', {}, '--nodes=1 --ntasks=1 --cpus-per-task=1', '', '-l select=1:ncpus=1'],
    ['cores', { cores: 8 }, '--cpus-per-task=8', '-pe smp 8', '-l select=1:ncpus=8'],
    [
      'memory of the job',
      { cores: 4, memoryMiB: 4096 },
      '--mem=4096M',
      '-l h_vmem=1024M',
      '-l select=1:ncpus=4:mem=4096mb',
    ],
    ['GPUs', { gpus: 2 }, '--gres=gpu:2', '-l gpu=2', '-l select=1:ncpus=1:ngpus=2'],
    ['no GPU', { gpus: 0 }, '--nodes=1 --ntasks=1 --cpus-per-task=1', '', '-l select=1:ncpus=1'],
    ['wall time', { wallTimeSeconds: 90 }, '--time=00:01:30', '-l h_rt=90', '-l walltime=00:01:30'],
    ['queue', { queue: 'long' }, '--partition=long', '-q long', '-q long'],
    ['account', { account: 'chem' }, '--account=chem', '-P chem', '-A chem'],
    ['QOS', { qos: 'high' }, '--qos=high', 'refused', 'refused'],
    ['constraint', { constraint: 'a100' }, '--constraint=a100', 'refused', 'refused'],
    ['reservation', { reservation: '12' }, '--reservation=12', '-ar 12', 'refused'],
    ['exclusive', { exclusive: true }, '--exclusive', 'refused', '-l place=excl'],
    ['tasks', { tasks: 4, cores: 2 }, '--ntasks=4 --cpus-per-task=2', '-pe smp 8', '-l select=1:ncpus=8:mpiprocs=4'],
    ['nodes', { nodes: 2 }, '--nodes=2 --ntasks=2', 'refused', '-l select=2:ncpus=1 -l place=scatter'],
    ['no mail', {}, '--mail-type=NONE', '-m n', '-m n'],
    ['never run twice', {}, '--no-requeue', '-r n', '-r n'],
  ];
  test.each(table)('%s', (_, resources, ...wanted) => {
    for (const [at, dialect] of [slurm, gridEngine, pbs].entries()) {
      const words = wanted[at] ?? '';
      if (words === 'refused') expect(() => dialect.directives(job(resources))).toThrow(/^.* has no .*\. ./);
      else {
        const said = dialect.directives(job(resources)).map((line) => line.replace(/^#\S+ /, ''));
        for (const word of words.split(/ (?=-)/))
          expect(` ${said.join(' ')} `).toContain(word === '' ? ' ' : ` ${word} `);
      }
    }
  });
});

describe('the name of a job at its scheduler', () => {
  const named = (name: string) => nativeName({ name, token: 'cb0123456789' });
  test.each([
    ['fit', 'fit.cb0123456789'],
    ['fit 2 "models"', 'fit-2-models.cb0123456789'],
    ['7 sins', 'cell-7-sins.cb0123456789'],
    ['', 'cell.cb0123456789'],
    ['…', 'cell.cb0123456789'],
    ['--wrap=x', 'wrap-x.cb0123456789'],
    ['_x', 'cell-_x.cb0123456789'],
    ['a,b', 'a-b.cb0123456789'],
    ['žluť', 'lu.cb0123456789'],
  ])('%j is %j', (name, wanted) => {
    expect(named(name)).toBe(wanted);
  });
  test('is short enough for all, and its token whole', () => {
    expect(named('x'.repeat(500))).toMatch(/^x{40}\.cb0123456789$/);
  });
  test('a token that is none is a defect of ours', () => {
    expect(() => nativeName({ name: 'x', token: 'a.b' })).toThrow(TypeError);
  });
});

test('a time limit is never shorter than asked', () => {
  const wall = (wallTimeSeconds: number) =>
    slurm.directives(job({ wallTimeSeconds })).find((line) => line.includes('--time'));
  expect([0.2, 59.5, 60, 3661, 360_000].map(wall)).toEqual(
    ['00:00:01', '00:01:00', '00:01:00', '01:01:01', '100:00:00'].map((time) => `#SBATCH --time=${time}`),
  );
});

test('a path with a pattern of sbatch in it stays that path', () => {
  expect(slurm.submitCommand(job({}, { directory: '/home/%j' }), '/s')).toContain('--output=/home/%%j/scheduler.log');
});
