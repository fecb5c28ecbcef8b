// What only people at a terminal get: colours, progress, questions, completion in their own shell.
import { execFileSync, spawnSync } from 'node:child_process';
import { COMMANDS } from '../../cli/table';
import { KEYS } from '../frontends/terminal';
import { Place } from './place';
import { testUnless } from '../unless';

const TIMEOUT = 120_000;
let place: Place;
beforeAll(() => {
  place = new Place();
  place.write('config.yaml', 'clusters:\n  bigbox: { scheduler: none, host: me@bigbox.invalid }\n');
});
afterAll(() => place[Symbol.asyncDispose](), TIMEOUT);

const ESCAPE = '\u001b[';

test(
  'colours are for terminals, and for none that says NO_COLOR',
  async () => {
    place.write('throws.ts', 'throw new Error("red")');
    const raw = (environment: NodeJS.ProcessEnv): Promise<string> => {
      const terminal = place.atTerminal('cellburst', ['jobs'], environment);
      return terminal.ended().then(() => terminal.raw);
    };
    await place.run('run', 'throws.ts', '--on', 'local');
    const piped = await place.run('jobs');
    expect(piped.out).toMatch(/threw/);
    expect(piped.out + piped.err).not.toContain(ESCAPE);
    const [coloured, plain] = await Promise.all([raw({}), raw({ NO_COLOR: '1' })]);
    expect(coloured).toMatch(/\u001b\[31mthrew\u001b\[39m/); // eslint-disable-line no-control-regex -- what is looked for
    expect(plain).toMatch(/ threw /);
    expect(plain).not.toContain(ESCAPE);
  },
  TIMEOUT,
);

test(
  'a notebook that is written shows how far it is, and a cell that asks is answered on the terminal',
  async () => {
    const cells = ['const who = prompt("Who?");', 'await new Promise((done) => setTimeout(done, 500)); who'].map(
      (source, at) => ({
        ...{ cell_type: 'code', id: `c${at}`, metadata: {}, execution_count: null, outputs: [], source },
      }),
    );
    place.write('asks.ipynb', JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 }));
    const terminal = place.atTerminal('cellburst', ['run', 'asks.ipynb', '--write']);
    await terminal.until(/Who\?/);
    await terminal.enter('Ada');
    await terminal.until(/\[#+·+\] +50 % cell 2 of 2/);
    await terminal.until(/All 2 cells of asks\.ipynb ran/);
    expect(await terminal.ended()).toBe(0);
    expect((await place.run('fs', 'cat', `local:${place.folder}/asks.ipynb`)).out).toContain(`"'Ada'"`);
  },
  TIMEOUT,
);

describe('completion', () => {
  const asked = (...words: string[]): string[] =>
    execFileSync('cellburst', ['complete', '--', ...words], {
      cwd: place.folder,
      env: place.environment,
      encoding: 'utf8',
    })
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('\t', 1)[0] ?? '');

  test('offers what the table of commands has, clusters by name and files where they belong', () => {
    const listed = Object.entries(COMMANDS).filter(([, { isHidden }]) => isHidden !== true);
    expect(asked('')).toEqual(listed.map(([name]) => name));
    expect(asked('re')).toEqual(['retry', 'release']);
    expect(asked('run', 'x.ts', '--on', '')).toEqual(['local', 'bigbox']);
    expect(asked('run', 'x.ts', '--mem')).toEqual(['--memory']);
    expect(asked('run', '')).toEqual([':files']);
    expect(asked('agent', 's')).toEqual(['status', 'stop']);
    expect(asked('env', 'diff', 'b')).toEqual(['bigbox']);
    expect(asked('fs', 'g')).toEqual(['get']);
    expect(asked('fs', 'ls', 'b')).toEqual(['bigbox:']);
    expect(asked('frob', '')).toEqual([]);
  });

  const has = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0;

  test(
    'works in bash',
    async () => {
      const terminal = place.atTerminal('bash', ['--norc', '--noprofile', '-i'], { PS1: 'ready> ' });
      await terminal.until(/ready> /);
      await terminal.enter('eval "$(cellburst completion bash)"; echo load""ed');
      await terminal.until(/loaded/);
      terminal.type('cellburst unin');
      terminal.type(KEYS.tab);
      await terminal.until(/uninstall /);
      terminal.type('--sys');
      terminal.type(KEYS.tab);
      await terminal.until(/--sys-prefix /);
      terminal.type(KEYS.interrupt);
      await terminal.until(/ready> /);
      place.write('colon-test.txt', '');
      terminal.type(`cellburst fs ls local:${place.folder}/colon-t`);
      terminal.type(KEYS.tab);
      await terminal.until(/local:\S+\/colon-test\.txt/);
      await terminal.leave();
    },
    TIMEOUT,
  );

  testUnless(has('zsh') ? undefined : 'there is no zsh')(
    'works in zsh',
    async () => {
      const terminal = place.atTerminal('zsh', ['-f', '-i'], { PS1: 'ready> ' });
      await terminal.until(/ready> /);
      await terminal.enter('autoload -Uz compinit; compinit -u; eval "$(cellburst completion zsh)"; echo load""ed');
      await terminal.until(/loaded/);
      terminal.type('cellburst unin');
      terminal.type(KEYS.tab);
      await terminal.until(/uninstall /);
      await terminal.leave();
    },
    TIMEOUT,
  );

  testUnless(has('fish') ? undefined : 'there is no fish')(
    'works in fish, with what each word is for',
    () => {
      const script =
        "cellburst completion fish | source; complete -C 'cellburst unin'; complete -C 'cellburst env diff '";
      const said = execFileSync('fish', ['--no-config', '-c', script], {
        cwd: place.folder,
        env: place.environment,
        encoding: 'utf8',
      });
      const [first, ...clusters] = said.trimEnd().split('\n');
      expect(first).toMatch(/^uninstall\tTakes away/);
      expect(clusters.sort()).toEqual(['bigbox\tcluster', 'local\tcluster']);
    },
    TIMEOUT,
  );
});
