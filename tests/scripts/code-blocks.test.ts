// The code that documents show is code: TypeScript checks, magic lines and command lines are understood by what reads them, shell parses.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCall } from '../../cli/parse';
import { COMMANDS as PROGRAM } from '../../cli/table';
import { Language } from '../../language';
import { COMMANDS } from '../../magics/commands';
import { parseConfig } from '../../magics/config/parse';
import { findMagics, splitWords } from '../../magics/line';
import { parseOptions } from '../../magics/parse-options';
import { magicOf } from '../../magics/table';

const root = join(__dirname, '..', '..');
const documents = [
  ...['README.md', 'CONTRIBUTING.md', 'binder/README.md', 'examples/README.md'],
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

interface Block {
  readonly document: string;
  readonly language: string;
  readonly text: string;
}

const blocks: readonly Block[] = documents.flatMap((document) =>
  [...readFileSync(join(root, document), 'utf8').matchAll(/^```(\w*)\n([^]*?)^```/gm)].map(
    ([, language = '', text = '']) => ({ document, language, text }),
  ),
);
const of = (...languages: string[]): readonly Block[] => blocks.filter(({ language }) => languages.includes(language));
const where = ({ document, text }: Block): string => `${document}: ${text.split('\n', 1)[0] ?? ''}`;

/** What the text around a block has said already. */
const GIVEN = `declare const masses: Float64Array; declare const planets: { name: string; radius: number; mass: number }[]; declare const seeds: number[];
declare function fit(planet: unknown): void; declare function summary(path: string): string; declare function sum(text: string): number; declare const speeds: Float64Array;
declare function bootstrap(values: Float64Array, draws: number, seed: number): number[]; declare function mean(values: Float64Array): number;
declare class Interval { static of(estimate: number, draws: number[]): Interval }
import { readdirSync, writeFileSync } from 'node:fs';`;

describe('TypeScript', () => {
  let directory: string;
  let language: Language;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'cb-docs-'));
    // A package that hides what it has, as docs/values.md says of one.
    const vault = join(directory, 'node_modules', 'vault');
    mkdirSync(vault, { recursive: true });
    writeFileSync(join(vault, 'package.json'), '{ "name": "vault", "version": "1.0.0", "types": "index.d.ts" }');
    writeFileSync(
      join(vault, 'index.d.ts'),
      'export declare class Vault { static of(items: string[]): Vault; list(): string[]; replace(items: string[]): void }',
    );
    language = new Language({ directory, workerPath: join(root, 'dist', 'language.js') });
  });
  afterAll(async () => {
    await language.close();
    rmSync(directory, { recursive: true, force: true });
  });

  test('of every document checks, cell by cell, as it would in a notebook', async () => {
    const mistakes: string[] = [];
    // The contributor's examples are tests, which are checked where they stand.
    for (const document of documents.filter((name) => name !== 'CONTRIBUTING.md')) {
      await language.reset();
      let execution = 1;
      const check = async (source: string): Promise<string[]> => {
        const cell = { source, execution: execution++ };
        const prepared = await language.prepare(cell, new AbortController().signal);
        if (!prepared.ok)
          return prepared.problems.map(({ message, line }) => `${document}: line ${line + 1} of\n${source}${message}`);
        await language.commit(cell.execution, 1000);
        return [];
      };
      await check(GIVEN);
      for (const { text } of of('ts').filter((block) => block.document === document))
        mistakes.push(...(await check(text)));
    }
    expect(mistakes).toEqual([]);
  }, 120_000);

  const CLUSTERS = ['local', 'hpc', 'slurm', 'bigbox', 'vault'];
  test('has magic lines that exist, with options that exist', () => {
    for (const block of of('ts'))
      for (const line of findMagics(block.text)) {
        const known = magicOf(line) !== undefined;
        expect({ at: where(block), line: line.text, known }).toEqual({
          at: where(block),
          line: line.text,
          known: true,
        });
        if (line.kind === 'cell' && line.name.text === 'cluster') parseOptions(line, CLUSTERS);
        if (line.kind === 'line' && line.name.text === 'cluster')
          expect(Object.keys(COMMANDS)).toContain(line.words[0]?.text);
      }
  });
});

describe('shell', () => {
  const shell = of('sh', 'bash');

  test('parses', () => {
    for (const block of shell) {
      const { status, stderr } = spawnSync('bash', ['-n'], { input: block.text, encoding: 'utf8' });
      expect({ at: where(block), status, stderr }).toEqual({ at: where(block), status: 0, stderr: '' });
    }
  });

  test('calls commands of ours that exist, as they are called', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    let count = 0;
    for (const block of shell)
      for (const [, typed = ''] of block.text
        .replaceAll(/ #.*/g, '')
        .matchAll(/(?:^|[^\w/-])(?:npx )?(?:\.\/cellburst\/bin\/)?cellburst ((?:[^\n#|)&;]|\\\n)+)/g)) {
        if (/^[-/]|\.tar|^\S+\.tgz/.test(typed)) continue;
        const [name = '', ...rest] = splitWords(typed).map(({ text }) => text);
        const command = PROGRAM[name];
        expect({ at: where(block), typed, known: command !== undefined }).toEqual({
          at: where(block),
          typed,
          known: true,
        });
        if (command !== undefined) parseCall(name, command, rest);
        count++;
      }
    expect(count).toBeGreaterThan(8);
    const named = shell.flatMap(({ text }) => [...text.matchAll(/npm run ([\w:]+)/g)].map(([, script = '']) => script));
    expect(named.filter((script) => !(script in scripts))).toEqual([]);
  });
});

test('YAML is a config, or names what else it is', () => {
  for (const block of of('yaml')) expect(() => parseConfig(block.text, where(block))).not.toThrow();
});

test('commands that the running text names exist', () => {
  for (const document of documents)
    for (const [, word = ''] of readFileSync(join(root, document), 'utf8').matchAll(/`cellburst (\w+)[^`]*`/g))
      expect({ document, word, known: word in PROGRAM }).toEqual({ document, word, known: true });
});

describe('the site', () => {
  let output: string;
  beforeAll(() => {
    output = mkdtempSync(join(tmpdir(), 'cb-site-'));
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts', 'site.mjs'), '--output', output], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(stderr);
  }, 120_000);
  afterAll(() => {
    rmSync(output, { recursive: true, force: true });
  });

  test('has a page for each document and example, and no link on any leads nowhere', () => {
    const pages = readdirSync(output, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.html'));
    expect(pages).toEqual(
      expect.arrayContaining(['index.html', 'docs/start.html', 'docs/reference/errors.html', 'examples/slurm.html']),
    );
    const texts = new Map(pages.map((page) => [page, readFileSync(join(output, page), 'utf8')]));
    const broken: string[] = [];
    for (const [page, text] of texts) {
      expect(text.match(/<h1/g)).toHaveLength(1);
      for (const [, href = ''] of text.matchAll(/(?:href|src)="([^"]+)"/g)) {
        if (/^(https?|mailto):/.test(href)) continue;
        const { pathname, hash } = new URL(href, `file:///${page}`);
        const target = decodeURIComponent(pathname.slice(1));
        const isThere = existsSync(join(output, target));
        const anchor = decodeURIComponent(hash.slice(1));
        if (!isThere || (anchor !== '' && !(texts.get(target) ?? '').includes(`id="${anchor}"`)))
          broken.push(`${page}: ${href}`);
      }
    }
    expect(broken).toEqual([]);
  });

  test('asks for nothing from elsewhere', () => {
    const page = readFileSync(join(output, 'index.html'), 'utf8');
    expect(page).not.toMatch(/<script|<(link|img)[^>]+https?:/);
  });
});
