// Shell text, judged by the real sh: what goes in as an argument comes out as that argument.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../../magics/protocol/errors';
import {
  batchScript,
  commandLine,
  exportLine,
  forEach,
  NO_DIRECTORY,
  quote,
  withEnvironment,
} from '../../magics/transports/shell';

const HOSTILE = [
  '',
  ' ',
  'plain',
  "it's",
  "''",
  '"',
  '\\',
  '\\\\n',
  '$HOME ${HOME} $(id) `id`',
  '; rm -rf / #',
  '&& false || true & |',
  '> out < in >> more 2>&1',
  '* ? [a-z] {a,b} ~root !!',
  '-n',
  '--',
  '=x',
  'a=b',
  'two\nlines\n',
  'x\n#$ -q other\n#PBS -q other\n\n#',
  'carriage\rreturn\r\nand line\r',
  '\t\v\f\u0001\u001b[31m',
  'žluť ☃ 🜁 \u200c\u2028',
  '%s %d %%',
  "'\r'",
  '\r',
];

const printed = (text: string, ...args: string[]) => execFileSync('sh', ['-c', text, ...args], { encoding: 'utf8' });

test.each(HOSTILE.map((word) => [word]))('%j is one word to sh and means itself', (word) => {
  expect(printed(commandLine(['printf', '[%s]', word]))).toBe(`[${word}]`);
});

test('all of them at once keep their number and order', () => {
  expect(printed(commandLine(['printf', '%s\\0', ...HOSTILE])).split('\0')).toEqual([...HOSTILE, '']);
});

test.each(HOSTILE.map((word) => [word]))('a variable can hold %j', (value) => {
  expect(printed(`${exportLine('VALUE', value)}\nprintf %s "$VALUE"`)).toBe(value);
});

test('no text of ours has a carriage return, which sbatch would refuse', () => {
  expect(quote('a\r\nb')).not.toContain('\r');
});

test.each(['', '1A', 'A-B', 'A B', 'A=B', 'A;id', 'Ä'])('%j is refused as the name of a variable', (name) => {
  expect(() => exportLine(name, 'x')).toThrow(UsageError);
});

test('a NUL is refused, since no argument can hold one', () => {
  expect(() => quote('a\0b')).toThrow(/NUL/);
});

test('a command for each word gets each word whole', () => {
  const [program, ...args] = forEach(['printf', '<%s>'], HOSTILE);
  expect(execFileSync(program, args, { encoding: 'utf8' })).toBe(HOSTILE.map((word) => `<${word}>`).join(''));
});

test('a command in a changed environment sees it', () => {
  const [program, ...args] = withEnvironment({ TZ: 'UTC', ODD: 'a b"c' }, ['sh', '-c', 'printf %s "$TZ$ODD"']);
  expect(execFileSync(program, args, { encoding: 'utf8' })).toBe('UTCa b"c');
});

describe('a batch script', () => {
  let home = '';
  beforeAll(() => {
    home = realpathSync(mkdtempSync(join(tmpdir(), 'cellburst it\'s "a" $HOME ')));
  });
  afterAll(() => {
    rmSync(home, { recursive: true });
  });
  const script = (command: readonly [string, ...string[]], directory = home) =>
    batchScript({
      directives: ['#SBATCH --nodes=1'],
      title: 'Cell [3]\nexit 1',
      environment: { A: 'x\ny', B: "'" },
      directory,
      command,
    });
  const run = (text: string) =>
    execFileSync('sh', ['-c', text], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

  const exitCode = (text: string) => spawnSync('sh', ['-c', text], { stdio: 'ignore' }).status;

  test('runs its command in its directory, with its environment', () => {
    expect(run(script(['sh', '-c', 'pwd; printf %s "$A$B$1"', 'sh', '"two words"']))).toBe(`${home}\nx\ny'"two words"`);
  });
  test('begins with the directives, so that the scheduler reads them', () => {
    expect(script(['true']).split('\n').slice(0, 3)).toEqual(['#!/bin/sh', '#SBATCH --nodes=1', '# Cell [3] exit 1']);
  });
  test('has no other line that a scheduler could take for a directive', () => {
    const lines = script(['printf', 'a\n#$ -N x\n#SBATCH --uid=0']).split('\n');
    expect(lines.filter((line) => line.trim().startsWith('#'))).toEqual(lines.slice(0, 3));
  });
  test('gives the exit code of its command', () => {
    expect(exitCode(script(['sh', '-c', 'exit 9']))).toBe(9);
  });
  test('is replaced by its command, which a signal then reaches', () => {
    expect(run(script(['sh', '-c', 'ps -o comm= -p $PPID']))).not.toMatch(/^sh$/m);
  });
  test('says by a code of its own that its directory is gone', () => {
    expect(exitCode(script(['true'], join(home, 'gone')))).toBe(NO_DIRECTORY);
  });
});
