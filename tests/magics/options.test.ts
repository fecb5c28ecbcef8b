import { findMagic } from '../../magics/line';
import { misplacedMagic } from '../../magics/misplaced';
import { OPTIONS, optionNames, optionsHelp } from '../../magics/options';
import { parseOptions } from '../../magics/parse-options';
import { parseDuration, parseMemory, showBytes, showDuration, showMemory } from '../../magics/config/quantities';
import { nearest } from '../../magics/config/nearest';

const CLUSTERS = ['local', 'hpc'];

function options(text: string) {
  const line = findMagic(text);
  if (!line) throw new Error(`no magic in ${text}`);
  return parseOptions(line, CLUSTERS);
}

function refusal(text: string): string {
  try {
    options(text);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error(`${text} was accepted`);
}

test('a line with everything is read into typed values', () => {
  expect(
    options(
      `%%cluster hpc --cores 8 -m 4GB --time=1h30m --gpus 2 --name "my fit" -e A=1 --env B='x y' --detach --atomic --dry-run --in data/*.csv --in "a b.txt" --out=results/**`,
    ),
  ).toEqual({
    cluster: 'hpc',
    cores: 8,
    memory: 4096,
    time: 5400,
    gpus: 2,
    in: ['data/*.csv', 'a b.txt'],
    out: ['results/**'],
    name: 'my fit',
    env: { A: '1', B: 'x y' },
    detach: true,
    atomic: true,
    dryRun: true,
  });
});

test('words of other schedulers are understood', () => {
  expect(options('%%cluster --cpus-per-task 4 --mem 500M --walltime 1:00:00')).toEqual({
    cores: 4,
    memory: 500,
    in: [],
    out: [],
    time: 3600,
    env: {},
  });
});

test.each([
  ['%%cluster --coers 8', ['--coers', 'Did you mean --cores?', '^^^^^^^']],
  ['%%cluster --cores eight', ['--cores: expected a whole number of cores, not "eight"', '^^^^^']],
  ['%%cluster --cores 0', ['expected 1 or more cores']],
  ['%%cluster --cores', ['--cores needs a value: --cores N']],
  ['%%cluster --cores --detach', ['--cores needs a value']],
  ['%%cluster --cores 2 --cores 3', ['--cores is given twice']],
  ['%%cluster --memory lots', ['expected a size of memory such as 4GB']],
  ['%%cluster --time soon', ['expected a time such as 30m']],
  ['%%cluster --detach=yes', ['--detach takes no value']],
  ['%%cluster --env NOVALUE', ['expected NAME=VALUE']],
  ['%%cluster hcp', ['There is no cluster "hcp".', 'Did you mean hpc?']],
  ['%%cluster cores', ['Did you mean --cores?']],
  ['%%cluster local hpc', ['takes one cluster; local is named already']],
  ['%%cluster --name "open', ['is opened and never closed']],
])('%s is refused with a caret and what to do', (text, parts) => {
  const message = refusal(text);
  for (const part of parts) expect(message).toContain(part);
  const [, shown = '', marks = ''] = message.split('\n');
  expect(shown).toBe(`  ${text}`);
  expect(marks).toMatch(/^ +\^+$/);
});

test('the caret stands under the wrong word', () => {
  const [, line = '', marks = ''] = refusal('%%cluster hpc --cores 8 --memroy 4GB').split('\n');
  expect(line.slice(marks.indexOf('^'), marks.lastIndexOf('^') + 1)).toBe('--memroy');
});

test('help names every option', () => {
  for (const name of optionNames()) expect(optionsHelp(CLUSTERS)).toContain(OPTIONS[name].flag);
});

test('a magic may follow blank lines, a plain cell has none', () => {
  expect(findMagic('\n\n%%cluster --cores 2\n1')?.offset).toBe(2);
  expect(findMagic('const x = 5 % 2')).toBeUndefined();
  expect(findMagic('%cluster jobs')?.kind).toBe('line');
});

test('a magic further down is explained', () => {
  expect(misplacedMagic('const x = 1\n%%cluster --cores 2\nx')?.message).toContain('line 2');
  expect(misplacedMagic('const x = 1')).toBeUndefined();
});

test.each([
  ['4GB', 4096],
  ['500M', 500],
  ['1.5 GiB', 1536],
  ['2t', 2 * 1024 * 1024],
  ['64', 64],
  ['0', undefined],
  ['-1GB', undefined],
  ['4 Gallons', undefined],
])('memory %s is %s MiB', (text, expected) => {
  expect(parseMemory(text)).toBe(expected);
});

test.each([
  ['30m', 1800],
  ['1h30m', 5400],
  ['2d', 172_800],
  ['90s', 90],
  ['45', 2700],
  ['1:30:00', 5400],
  ['1-12:00', 129_600],
  ['10:30', 630],
  ['0', undefined],
  ['h', undefined],
  ['1h 2m', undefined],
])('time %s is %s seconds', (text, expected) => {
  expect(parseDuration(text)).toBe(expected);
});

test('amounts are shown as people say them', () => {
  expect([showMemory(512), showMemory(4096), showMemory(1536)]).toEqual(['512 MB', '4 GB', '1.5 GB']);
  expect([showDuration(0.42), showDuration(59.6), showDuration(200), showDuration(7500)]).toEqual([
    '0.4 s',
    '1 min 0 s',
    '3 min 20 s',
    '2 h 5 min',
  ]);
  expect([showBytes(12), showBytes(3400), showBytes(80_000_000), showBytes(999_999)]).toEqual([
    '12 B',
    '3.4 kB',
    '80 MB',
    '1 MB',
  ]);
});

test('only a near word is offered', () => {
  expect(nearest('--coers', ['--cores', '--memory'])).toBe('--cores');
  expect(nearest('--banana', ['--cores', '--memory'])).toBeUndefined();
});
