// `%cluster doctor` on a healthy machine, and where something is wrong.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KernelClient } from './client';
import type { Fields } from './client';

const reportOf = async (kernel: KernelClient) => {
  const { result, reply } = await kernel.execute('%cluster doctor');
  expect(reply).toMatchObject({ status: 'ok' });
  return String((result?.['data'] as Fields)['text/plain']);
};

test('finds everything in place, says where things are, and leaves no job behind', async () => {
  const kernel = await KernelClient.start();
  try {
    const report = await reportOf(kernel);
    expect(report).toMatch(new RegExp(`✓  kernel\\s.*Node ${process.version}`));
    expect(report).toMatch(new RegExp(`✓  kernel log\\s.*kernel-${kernel.process.pid}\\.log`));
    expect(report).toMatch(/✓ {2}home agent\s.*process \d+, up for/);
    expect(report).toContain(join(kernel.directory, 'state'));
    expect(report).toMatch(/disk space\s.*free/);
    expect(report).toMatch(/✓ {2}a tiny job\s+ran on \S+ \(Node v[\d.]+\) and came back in [\d.]+ s/);
    expect(report).toContain('Everything is in place.');
    expect(JSON.stringify((await kernel.execute('%cluster jobs')).result)).toContain('No jobs yet');
  } finally {
    await kernel.stop();
  }
});

test('tells a mistake in the config, and goes on with the other checks', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'doctor-test-'));
  writeFileSync(join(directory, 'clusters.yaml'), 'clusters: [unclosed');
  const kernel = await KernelClient.start({ CELLBURST_CONFIG: join(directory, 'clusters.yaml') });
  try {
    const report = await reportOf(kernel);
    expect(report).toMatch(/✗ {2}clusters\s.*clusters\.yaml/);
    expect(report).toMatch(/✓ {2}a tiny job/);
    expect(report).toMatch(/1 of \d need attention/);
  } finally {
    await kernel.stop();
    rmSync(directory, { recursive: true, force: true });
  }
});
