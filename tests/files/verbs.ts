// What `%cluster fs` does on a cluster, whichever it is: the same sentences for this machine and for a host behind a real sshd.
import { execFileSync } from 'node:child_process';
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
