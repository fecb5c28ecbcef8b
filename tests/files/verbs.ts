// What `%cluster fs` does on a cluster, whichever it is: the same sentences for this machine and for a host behind a real sshd.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KernelClient, CellResult } from '../kernel/client';

export interface VerbSetting {
  readonly kernel: () => KernelClient;
  readonly cluster: string;
  /** An empty folder there, absolute; files in it are made by `shell`. */
  readonly folder: () => string;
  /** Runs a line there, as the user whose files they are. */
  readonly shell: (line: string) => string;
  /** A file there that the user may not read. */
  readonly forbidden?: string;
}

const PATIENCE_MS = 90_000;

export function describeVerbs({ kernel, cluster, folder, shell, forbidden }: VerbSetting): void {
  const run = async (code: string): Promise<CellResult> =>
    kernel().outcome(await kernel().startCell(code), performance.now(), PATIENCE_MS);
  /** All that the cell shows, as text. */
  const shown = async (line: string): Promise<string> => {
    const { reply, stdout, result } = await run(`%cluster fs ${line}`);
    expect([reply['ename'], reply['evalue']]).toEqual([undefined, undefined]);
    const bundle = result?.['data'] as Record<string, string> | undefined;
    return stdout + (bundle?.['text/plain'] ?? '');
  };
  const refused = async (line: string): Promise<string> => {
    const { reply } = await run(`%cluster fs ${line}`);
    expect(reply['status']).toBe('error');
    return `${String(reply['ename'])}: ${String(reply['evalue'])}`;
  };
  const at = (path: string): string => `'${cluster}:${folder()}/${path}'`;

  test(
    'ls lists a folder with modes, sizes and links, a pattern its matches, and -r all',
    async () => {
      shell(
        `mkdir -p ls/deep && cd ls && printf 12345 > five.txt && chmod 640 five.txt && ln -s five.txt link && : > 'a b' && : > deep/x.csv && : > "$(printf 'new\\nline')"`,
      );
      const list = await shown(`ls ${at('ls')}`);
      expect(list).toMatch(/-rw-r----- +5 B +\d{4}-\d\d-\d\d \d\d:\d\d +five\.txt/);
      expect(list).toMatch(/lrwxrwxrwx .* link -> five\.txt/);
      expect(list).toMatch(/drwx.* deep\//);
      expect(list).toContain('"new\\nline"');
      expect(list).toMatch(/5 entries, 5 B$/);
      expect(await shown(`ls ${at('ls/*.txt')}`)).toMatch(/five\.txt\n1 entry, 5 B$/);
      expect(await shown(`ls -r ${at('ls')}`)).toContain('deep/x.csv');
      expect(await shown(`ls ${at('ls/**/*.csv')}`)).toContain('deep/x.csv');
    },
    PATIENCE_MS,
  );

  test('cat shows text, and tells of what is none', async () => {
    shell(`printf 'grüße\\n' > text.txt; printf 'a\\0b' > bytes.bin`);
    expect(await shown(`cat ${at('text.txt')}`)).toBe('grüße\n');
    expect(await refused(`cat ${at('bytes.bin')}`)).toMatch(/^UsageError: .*bytes\.bin is no text \(3 B\)/);
  });

  test('du counts what lies below, df tells what room there is', async () => {
    shell('mkdir -p du/in && head -c 2000 /dev/zero > du/a && head -c 1000 /dev/zero > du/in/b');
    expect(await shown(`du ${at('du')}`)).toMatch(/3 kB +[\d.]+ kB +2 +1 +.*\/du$/);
    expect(await shown(`df ${at('du')}`)).toMatch(/[\d.]+ [MGT]B +[\d.]+ [MGT]B +\d+ %/);
  });

  test('rm removes files, what a pattern matches, and folders only with -r; what a link leads to stays', async () => {
    shell(
      'mkdir -p rm/in kept && : > kept/file && ln -s ../kept rm/link && : > rm/a.tmp && : > rm/b.tmp && : > rm/in/c',
    );
    expect(await shown(`rm ${at('rm/*.tmp')}`)).toMatch(/^Removed 2 files/);
    expect(await refused(`rm ${at('rm')}`)).toMatch(/is a folder\. To remove it with all that is in it: rm -r/);
    expect(await shown(`rm -r ${at('rm')}`)).toMatch(/^Removed 2 files and 2 folders/);
    expect(shell('ls kept; ls').split('\n')).not.toContain('rm');
    expect(shell('ls kept').trim()).toBe('file');
    expect(await refused(`rm -r ${cluster}:~`)).toContain('is not removed: the home directory is in it');
  });

  test(
    'put and get carry files byte by byte, with their modes; what is there already is replaced with -f only',
    async () => {
      const bytes = randomBytes(300_000);
      const here = (path: string): string => join(kernel().directory, path);
      writeFileSync(here('sent.bin'), bytes);
      chmodSync(here('sent.bin'), 0o750);
      expect(await shown(`put sent.bin ${at('put/renamed.bin')}`)).toMatch(
        /^1 file, 300 kB, is there now: .*renamed\.bin/,
      );
      expect(shell('stat -c %a put/renamed.bin').trim()).toBe('750');
      expect(await shown(`put sent.bin ${at('put')}`)).toMatch(/put\/sent\.bin/);
      expect(await refused(`put sent.bin ${at('put')}`)).toMatch(
        /There is something already: .*sent\.bin\. To replace it: -f/,
      );
      await shown(`put -f sent.bin ${at('put')}`);
      expect(await shown(`get ${at('put/renamed.bin')} back.bin`)).toMatch(/is here now/);
      expect(readFileSync(here('back.bin')).equals(bytes)).toBe(true);
      expect(statSync(here('back.bin')).mode & 0o777).toBe(0o750);
      expect(await refused(`get ${at('put/renamed.bin')} back.bin`)).toMatch(/To replace it: -f/);
      await shown(`get -f ${at('put/renamed.bin')} back.bin`);
      expect(await refused(`get ${at('put')}`)).toMatch(/is a folder.*get -r/);
      expect(await refused(`get ${at('nowhere')}`)).toMatch(/there is no such file/);
      expect(await refused(`put nowhere ${at('x')}`)).toMatch(/There is no nowhere \(put\)/);
    },
    PATIENCE_MS,
  );

  test(
    'folders and patterns go both ways, into folders that are there as well, and links that lead out stay',
    async () => {
      const here = (path: string): string => join(kernel().directory, path);
      mkdirSync(here('tree/deep'), { recursive: true });
      mkdirSync(here('tree/empty'));
      writeFileSync(here('tree/a.csv'), 'a');
      writeFileSync(here('tree/deep/b c.csv'), 'b');
      symlinkSync('a.csv', here('tree/inside'));
      symlinkSync('/etc/passwd', here('tree/outside'));
      expect(await refused(`put tree ${at('trees')}`)).toMatch(/is a folder.*put -r/);
      expect(await shown(`put -r tree ${at('trees')}`)).toMatch(
        /2 files, 2 B, are there now.*\nLeft out: tree\/outside/,
      );
      expect(shell('cd trees && find . | sort').split('\n').filter(Boolean)).toEqual([
        '.',
        './a.csv',
        './deep',
        './deep/b c.csv',
        './empty',
        './inside',
      ]);
      expect(await shown(`put tree/*.csv ${at('trees/deep')}`)).toMatch(/1 file, 1 B, is there now/);
      expect(await refused(`put tree/*.csv ${at('trees/deep')}`)).toMatch(
        /There is something already: .*a\.csv\. To replace files: -f/,
      );
      shell('ln -s /etc trees/away');
      expect(await shown(`get -r ${at('trees')} mirrored`)).toMatch(/3 files.*\nLeft out: away/);
      expect(readFileSync(here('mirrored/deep/b c.csv'), 'utf8')).toBe('b');
      expect(existsSync(here('mirrored/away'))).toBe(false);
      expect(await refused(`get ${at('trees/**/*.csv')} mirrored`)).toMatch(/There is something already/);
      writeFileSync(here('mirrored/own.txt'), 'own');
      await shown(`get -f ${at('trees/**/*.csv')} mirrored`);
      expect(readFileSync(here('mirrored/own.txt'), 'utf8')).toBe('own');
    },
    PATIENCE_MS,
  );

  test(
    'cluster.fs does the same in a cell',
    async () => {
      const place = (path: string): string => JSON.stringify(`${cluster}:${folder()}/api/${path}`);
      shell('mkdir -p api/deep && printf one > api/one.txt');
      const { stdout, reply } = await run(`import { cluster } from 'cellburst';
const { fs } = cluster;
await fs.write(${place('deep/bytes.bin')}, new Uint8Array([0, 255, 7]));
await fs.write(${place('one.txt')}, 'two');
const [first] = await fs.list(${place('*.txt')});
const back = await fs.read(${place('deep/bytes.bin')});
const news: number[][] = [];
const { files } = await fs.get(${place('')}, 'from-api', { recursive: true, progress: (bytes, of) => news.push([bytes, of]) });
const usage = await fs.usage(${place('')});
const gone = await fs.remove(${place('')}, { recursive: true });
const failed = await fs.readText(${place('one.txt')}).catch((error: Error) => [error instanceof Error, error.name, error.message]);
console.log(JSON.stringify([first!.path, first!.kind, first!.modifiedAt.getFullYear() > 2000, [...back], files, usage.bytes, gone.files, failed, (await fs.space(${place('..')})).totalBytes > 0, news.length > 0 && news.every(([bytes, of]) => bytes! <= of!)]))`);
      expect([reply['ename'], reply['evalue']]).toEqual([undefined, undefined]);
      expect(JSON.parse(stdout)).toEqual([
        'one.txt',
        'file',
        true,
        [0, 255, 7],
        2,
        6,
        2,
        [true, 'UsageError', expect.stringMatching(/Cannot read .*one\.txt on .*: there is no such file/)],
        true,
        cluster !== 'local',
      ]);
      expect(readFileSync(join(kernel().directory, 'from-api/one.txt'), 'utf8')).toBe('two');
    },
    PATIENCE_MS,
  );

  test.each([
    ['ls', 'nowhere', /Cannot find .*nowhere on .*: there is no such file or folder/],
    ['cat', 'nowhere', /Cannot read .*nowhere on .*: there is no such file or folder/],
    ['ls', '*.nothing', /Nothing on .* matches .*\*\.nothing/],
    ['rm', 'nowhere', /there is no such file or folder/],
    ['cat', '', /it is a folder/],
  ])('%s %s is told as it is', async (verb, path, message) => {
    expect(await refused(`${verb} ${at(path)}`)).toMatch(message);
  });

  test('what may not be read is told as that', async () => {
    if (forbidden === undefined) return;
    expect(await refused(`cat ${cluster}:${forbidden}`)).toMatch(/permission is denied/);
  });

  test('paths there are completed', async () => {
    shell('mkdir -p complete/folder && : > complete/file.txt');
    const code = `%cluster fs ls ${cluster}:${folder()}/complete/f`;
    const reply = await kernel().request('shell', 'complete_request', { code, cursor_pos: code.length });
    expect(reply['matches']).toEqual([
      `${cluster}:${folder()}/complete/file.txt`,
      `${cluster}:${folder()}/complete/folder/`,
    ]);
  });
}

/** A line in a folder, by a shell of this machine. */
export function shellIn(folder: string, user?: string): (line: string) => string {
  const script = (line: string) => `cd ${JSON.stringify(folder)} && ${line}`;
  return (line) =>
    user === undefined
      ? execFileSync('sh', ['-c', script(line)], { encoding: 'utf8' })
      : execFileSync('setpriv', [`--reuid=${user}`, `--regid=${user}`, '--clear-groups', 'sh', '-c', script(line)], {
          encoding: 'utf8',
        });
}
