// `cellburst run`: notebooks and programs, as a person or a script calls it.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { namedAfter, toClusterCell } from '../../cli/program';
import { processesWith } from '../notebook/processes';
import { Place, said } from './place';

const TIMEOUT = 120_000;
let place: Place;
beforeAll(() => {
  place = new Place();
  place.write('local.ts', 'export const scale = (n: number): number => n * 21;\n');
});
afterAll(() => place[Symbol.asyncDispose](), TIMEOUT);

interface Cell {
  readonly id: string;
  readonly execution_count: number | null;
  readonly outputs: readonly {
    readonly output_type: string;
    readonly name?: string;
    readonly text?: readonly string[];
    readonly data?: Readonly<Record<string, readonly string[]>>;
    readonly ename?: string;
  }[];
}

function notebook(sources: readonly (string | { source: string; tags: string[] })[], kernel = 'cellburst'): string {
  const cells = sources.map((cell, place) => ({
    cell_type: 'code',
    id: `c${place}`,
    metadata: typeof cell === 'string' ? {} : { tags: cell.tags },
    execution_count: null,
    outputs: [],
    source: (typeof cell === 'string' ? cell : cell.source).split(/(?<=\n)/),
  }));
  const kernelspec = {
    name: kernel,
    display_name: kernel,
    language: kernel.startsWith('cell') ? 'typescript' : 'python',
  };
  return JSON.stringify({ cells, metadata: { kernelspec, mine: { kept: true } }, nbformat: 4, nbformat_minor: 5 });
}

function cellsOf(path: string): readonly Cell[] {
  return (JSON.parse(readFileSync(path, 'utf8')) as { cells: Cell[] }).cells;
}

describe('a notebook', () => {
  test(
    'is run cell by cell and written with its outputs; its cluster cells are jobs, and the file given stays as it was',
    async () => {
      const source = notebook([
        'const xs = [1, 2, 3]; console.log("here"); console.error("and there");',
        '%%cluster\nconst job = process.pid;\nxs.push(4); xs',
        '[xs.length, job !== process.pid]',
        { source: 'throw new RangeError("meant")', tags: ['raises-exception'] },
        '',
        'import { html } from "cellburst"; html("<b>bold</b>")',
      ]);
      const path = place.write('all.ipynb', source);
      const { code, out, err } = await place.run('run', 'all.ipynb', '-o', 'done.ipynb');
      expect({ code, out }).toEqual({ code: 0, out: '' });
      expect(err).toMatch(/All 6 cells of all\.ipynb ran\. .*done\.ipynb is written\./);
      expect(readFileSync(path, 'utf8')).toBe(source);
      const cells = cellsOf(join(place.folder, 'done.ipynb'));
      expect(cells.map((cell) => cell.execution_count)).toEqual([1, 2, 3, 4, null, 5]);
      expect(cells[0]?.outputs).toEqual([
        { output_type: 'stream', name: 'stdout', text: ['here\n'] },
        { output_type: 'stream', name: 'stderr', text: ['and there\n'] },
      ]);
      // Before it, where the job took its time, its status.
      expect(cells[1]?.outputs.at(-1)).toMatchObject({ output_type: 'execute_result' });
      expect(cells[2]?.outputs[0]?.data?.['text/plain']).toEqual(['[ 4, true ]']);
      expect(cells[3]?.outputs).toMatchObject([{ output_type: 'error', ename: 'RangeError' }]);
      expect(cells[5]?.outputs[0]?.data).toHaveProperty(['text/html']);
      const { metadata } = JSON.parse(readFileSync(join(place.folder, 'done.ipynb'), 'utf8')) as { metadata: object };
      expect(metadata).toMatchObject({ mine: { kept: true }, language_info: { name: 'typescript' } });
    },
    TIMEOUT,
  );

  test(
    'without a file to write is printed, stops at the first cell that fails, and says which by its exit code and words',
    async () => {
      place.write(
        'fails.ipynb',
        notebook(['console.log("one"); 1 + 1', 'throw new Error("on purpose")', 'console.log("never")']),
      );
      const { code, out, err } = await place.run('run', 'fails.ipynb');
      expect({ code, out }).toEqual({ code: 1, out: 'one\n2\n' });
      expect(err).toMatch(/Error: on purpose[^]*Cell \[2\]:1:7[^]*Cell 2 of 3 of fails\.ipynb failed: Error\./);
      const going = await place.run('run', 'fails.ipynb', '--keep-going', '--json');
      expect(going.code).toBe(1);
      expect(JSON.parse(going.out)).toMatchObject({
        cells: 3,
        ran: 3,
        ok: false,
        failures: [{ cell: 2, name: 'Error', message: 'on purpose' }],
      });
    },
    TIMEOUT,
  );

  test('of another kernel, or no notebook at all, is refused with a sentence', async () => {
    place.write('python.ipynb', notebook(['1'], 'python3'));
    place.write('broken.ipynb', '{');
    for (const [args, words] of [
      [['python.ipynb'], /notebook of the kernel python3/],
      [['broken.ipynb'], /Cannot read the notebook/],
      [['nowhere.ipynb'], /ENOENT/],
      [['python.ipynb', '--cores', '2'], /its %%cluster lines/],
      [['python.ipynb', '--on', 'hpc'], /There is no cluster "hpc"/],
      [['data.csv'], /a notebook .* or a program/],
      [['x.ts', '--write'], /Only a notebook/],
      [['x.ts', '--cores', '2'], /need --on NAME/],
    ] as const) {
      const { code, out, err } = await place.run('run', ...args);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toMatch(words);
    }
  });
});

const PROGRAM = `#!/usr/bin/env -S cellburst run
import { scale } from './local';
function checked(n: number): number {
  if (n > 2) throw new RangeError('too big: ' + n);
  return scale(n);
}
console.log(await Promise.resolve(checked(Number(process.env['N'] ?? 1))));
process.env['WHERE'] ?? 'here'
`;

describe('a program', () => {
  test(
    'runs here, or all of it as a job with the options of the line',
    async () => {
      place.write('scale.ts', PROGRAM);
      expect(await place.run('run', 'scale.ts')).toMatchObject({ code: 0, out: "21\n'here'\n" });
      const on = await place.run(
        'run',
        'scale.ts',
        '--on',
        'local',
        '--cpus',
        '2',
        '-e',
        'N=2',
        '--env',
        'WHERE=a job, far away',
        '--json',
      );
      expect(on.code).toBe(0);
      expect(on.err).toContain('42\n');
      expect(JSON.parse(on.out)).toMatchObject({ ok: true, result: { 'text/plain': "'a job, far away'" } });
      const jobs = JSON.parse((await place.run('jobs', '--json', '--state', 'done')).out) as {
        spec: { resources: { cores: number } };
      }[];
      expect(jobs.at(-1)?.spec.resources.cores).toBe(2);
    },
    TIMEOUT,
  );

  test(
    'that throws tells it by the lines of its file, here and from a job, and mistakes of types before anything is sent',
    async () => {
      place.write('throws.ts', PROGRAM.replace('?? 1', '?? 3'));
      const here = await place.run('run', 'throws.ts');
      const there = await place.run('run', 'throws.ts', '--on', 'local');
      for (const { code, out, err } of [here, there]) {
        expect({ code, out }).toEqual({ code: 1, out: '' });
        expect(err).toMatch(
          /RangeError: too big: 3[^]*> 4 \| +if \(n > 2\)[^]*at checked \(throws\.ts:4:20\)[^]*at throws\.ts:7:/,
        );
        expect(err).not.toContain('%%cluster');
      }
      place.write('wrong.ts', 'const a = 1;\nconst text: string = a;\n');
      const wrong = await place.run('run', 'wrong.ts', '--on', 'local');
      expect(wrong.err).toMatch(/wrong\.ts:2:7 - error TS2322/);
      expect(wrong.code).toBe(1);
    },
    TIMEOUT,
  );

  test(
    'that is interrupted lets its job go on, says how to come back to it, and leaves no kernel behind',
    async () => {
      place.write('long.ts', 'console.log("begun");\nawait new Promise((done) => setTimeout(done, 60_000));\n');
      const child = place.start(['run', 'long.ts', '--on', 'local']);
      const end = said(child);
      await new Promise<void>((seen) => {
        child.stdout?.on('data', (text: string) => {
          if (text.includes('begun')) seen();
        });
      });
      child.kill('SIGINT');
      const { code, err } = await end;
      expect(code).toBe(130);
      const [, id = ''] = /%cluster attach (\w+)/.exec(err) ?? [];
      const [job] = JSON.parse((await place.run('jobs', '--json', '--last', '1')).out) as {
        id: string;
        status: { state: string };
      }[];
      expect(job).toMatchObject({ id, status: { state: 'running' } });
      expect((await place.run('cancel', id)).code).toBe(0);
      const kernels = processesWith(`CELLBURST_STATE_DIR=${join(place.folder, 'state')}`).filter(({ command }) =>
        command.includes('kernel.js'),
      );
      expect(kernels).toEqual([]);
    },
    TIMEOUT,
  );
});

test(
  'a job is run again with what it was sent with, and more of what it lacked',
  async () => {
    place.write(
      'small.ts',
      'import { readFileSync } from "node:fs";\nconsole.log("read", readFileSync("along.txt", "utf8"));\n6 * 7',
    );
    place.write('along.txt', 'a file that goes along');
    await place.run('run', 'small.ts', '--on', 'local', '--in', 'along.txt', '--detach');
    const [first] = JSON.parse((await place.run('jobs', '--json', '--last', '1')).out) as { id: string }[];
    expect((await place.run('attach', first?.id ?? '')).code).toBe(0);
    const again = JSON.parse((await place.run('retry', '--memory', '1GB', '--json', first?.id ?? '')).out) as {
      id: string;
      spec: object;
    };
    expect(again.spec).toMatchObject({ resources: { memoryMiB: 1024 } });
    expect(await place.run('attach', again.id)).toMatchObject({ code: 0, out: 'read a file that goes along\n' });
    expect(await place.run('forget', again.id)).toMatchObject({ code: 2, out: '' });
    expect((await place.run('forget', '--unfetched', again.id)).err).toContain('is forgotten');
    expect((await place.run('logs', again.id)).code).toBe(2);
  },
  TIMEOUT,
);

test(
  'files, environment and a look at everything are one JSON value each',
  async () => {
    place.write('data.txt', 'one\ntwo\n');
    const parse = async (...args: string[]): Promise<unknown> => {
      const { code, out, err } = await place.run(...args, '--json');
      if (code !== 0) throw new Error(`${args.join(' ')}: ${err}`);
      return JSON.parse(out);
    };
    expect(await parse('fs', 'ls', `local:${place.folder}`)).toMatchObject({
      entries: expect.arrayContaining([
        expect.objectContaining({ path: 'data.txt', kind: 'file', size: 8 }),
      ]) as unknown,
    });
    expect(await parse('fs', 'cat', `local:${join(place.folder, 'data.txt')}`)).toEqual({ text: 'one\ntwo\n' });
    expect(await parse('fs', 'get', `local:${join(place.folder, 'data.txt')}`, 'copy.txt')).toMatchObject({
      files: 1,
      bytes: 8,
    });
    expect(existsSync(join(place.folder, 'copy.txt'))).toBe(true);
    expect(await parse('env')).toMatchObject({ host: { node: process.versions.node } });
    expect(await parse('config')).toMatchObject({ defaultCluster: 'local' });
    const { findings } = (await parse('doctor')) as { findings: { check: string; verdict: string }[] };
    expect(findings.map(({ check }) => check)).toContain('a tiny job');
  },
  TIMEOUT,
);

test(
  'whoever reads only the beginning ends it, and nothing is left behind',
  async () => {
    place.write('many.ts', 'for (let i = 0; i < 200_000; i++) console.log(i);');
    const script = 'TMPDIR=$PWD/tmp cellburst run many.ts | head -n 2; echo "${PIPESTATUS[0]}"';
    mkdirSync(join(place.folder, 'tmp'));
    const child = spawn('bash', ['-c', script], {
      cwd: place.folder,
      env: place.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    expect(await said(child)).toMatchObject({ out: '0\n1\n0\n', err: '' });
    expect(readdirSync(join(place.folder, 'tmp'))).toEqual([]);
  },
  TIMEOUT,
);

test('lines and numbers of a cell become those of the file, with and without colours', () => {
  const traceback = [
    'RangeError: x\n  1 | %%cluster local\n\u001b[31m>\u001b[39m 2 | f()\n',
    '    at Cell [1]:2:20',
    '    at g (Cell [12]:3:1)',
  ];
  const error = { type: 'error', name: 'RangeError', message: 'x', traceback } as const;
  expect(namedAfter('/a/b.ts', error, true).traceback.join('\n')).toBe(
    'RangeError: x\n\u001b[31m>\u001b[39m 1 | f()\n\n    at b.ts:1:20\n    at g (Cell [12]:3:1)',
  );
  expect(toClusterCell('#!/bin/x\nf()', '%%cluster a')).toBe('%%cluster a\n\nf()');
});
