// `npm run demo`, as a newcomer runs it, and the same code on a notebook that fails.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { kernelNode } from './server';

const root = join(__dirname, '..', '..');

test('the demo runs every cell of the quickstart, prints it, and saves the notebook with its outputs', async () => {
  const { code, output } = await run([join(root, 'scripts', 'demo.mjs')]);
  if (code !== 0) throw new Error(`The demo ended with ${String(code)}:\n${output}`);
  expect(output).toMatch(/20000 resampled means: 299852\.4 km\/s/);
  expect(output).toMatch(/another process: true/);
  expect(output).toMatch(/TooFewMeasurements, with its own field: count = 0/);
  const executed = parseNotebook(join(root, 'examples', 'quickstart.executed.ipynb'));
  const pictures = executed
    .flatMap((cell) => cell.outputs ?? [])
    .filter((shown) => 'image/svg+xml' in (shown.data ?? {}));
  expect(pictures).toHaveLength(1);
}, 120_000);

test('a demo with a failing cell stops there, saves what came before, and exits with 1', async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cellburst-demo-')));
  try {
    const cells = ['1 + 1', 'throw new Error("on purpose")', '"never"'];
    writeFileSync(join(folder, 'failing.ipynb'), JSON.stringify(toNotebook(cells)));
    const at = (path: string): string => JSON.stringify(pathToFileURL(join(root, path)).href);
    const script = `
      import { load } from ${at('scripts/load.mjs')};
      import { demonstrate } from ${at('scripts/demo/demonstrate.mjs')};
      const { startServer } = await load('tests/notebook/server.ts');
      process.exitCode = await demonstrate(startServer, ${JSON.stringify(folder)}, 'failing');`;
    const { code, output } = await run(['--input-type=module', '-e', script]);
    expect(code).toBe(1);
    expect(output).toMatch(/Error: on purpose[^]*Cell \[2\] failed/);
    expect(output).not.toMatch(/never/);
    const [first, second, third] = parseNotebook(join(folder, 'failing.executed.ipynb'));
    expect([first?.outputs?.length, second?.outputs?.length, third?.outputs?.length]).toEqual([1, 1, 0]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);

function run(args: readonly string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(kernelNode(), args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ code, output });
    });
  });
}

function toNotebook(sources: readonly string[]): object {
  const cells = sources.map((source, index) => ({
    cell_type: 'code',
    id: `cell-${index}`,
    source,
    metadata: {},
    outputs: [],
    execution_count: null,
  }));
  return { cells, metadata: {}, nbformat: 4, nbformat_minor: 5 };
}

interface SavedCell {
  readonly outputs?: readonly { readonly data?: object }[];
}

function parseNotebook(path: string): readonly SavedCell[] {
  const notebook: unknown = JSON.parse(readFileSync(path, 'utf8'));
  return (notebook as { cells: SavedCell[] }).cells;
}
