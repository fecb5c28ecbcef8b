import { Notebook } from './notebook';

const BYTES = 100_000_000;

test('100 MB of numbers go to a cell process and others come back, timed', async () => {
  const notebook = new Notebook();
  try {
    await notebook.run(`const big = new Float64Array(${BYTES / 8}).fill(1.5)`);
    const start = performance.now();
    const { capture, report } = await notebook.cluster('const back = big.map((x) => x * 2); 0');
    const seconds = (performance.now() - start) / 1000;
    expect(report.changed).toEqual(['back']);
    expect(capture.bytes - BYTES).toBeLessThan(10_000);
    expect(await notebook.run('back.length === big.length && back[5] === 3')).toBe(true);
    process.stdout.write(
      `100 MB out and 100 MB back: ${seconds.toFixed(2)} s, process start and computation included\n`,
    );
  } finally {
    notebook.close();
  }
});
