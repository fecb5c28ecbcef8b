// Streams, displays, floods, and which cell a line belongs to.
import { KernelClient } from './client';
import type { Received } from './client';

let kernel: KernelClient;
beforeAll(async () => {
  kernel = await KernelClient.start();
});
afterAll(() => kernel.stop());

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test('lines of a busy loop are live', async () => {
  const id = await kernel.startCell(
    `for (let line = 0; line < 3; line++) { console.log('line', line); const end = Date.now() + 150; while (Date.now() < end); }`,
  );
  await kernel.printed(id, 'line 0');
  const replied = kernel.shell.messages.some((message) => message.parentId === id);
  expect(replied).toBe(false);
  expect((await kernel.outcome(id)).stdout).toBe('line 0\nline 1\nline 2\n');
});

test('many small writes become few messages, in order', async () => {
  const { stdout, messages, milliseconds } = await kernel.execute(
    `for (let i = 0; i < 5000; i++) process.stdout.write(i + ' ');`,
  );
  expect(stdout).toBe(Array.from({ length: 5000 }, (_, i) => `${i} `).join(''));
  // One in 50 ms, after a first one that waits for nothing.
  expect(messages.filter(({ type }) => type === 'stream').length).toBeLessThan(5 + milliseconds / 50);
});

test('characters cut in two by writes of bytes arrive whole', async () => {
  const { stdout } = await kernel.execute(
    `const bytes = Buffer.from('grüße 😀'); for (const byte of bytes) process.stdout.write(Buffer.from([byte]));`,
  );
  expect(stdout).toBe('grüße 😀');
});

test('what native code and children print is caught', async () => {
  const { stdout, stderr } = await kernel.execute(
    `require('node:child_process').execSync('echo from a child; echo loudly >&2', { stdio: 'inherit' }); require('node:fs').writeSync(1, 'raw bytes');`,
  );
  expect(stdout).toContain('from a child\n');
  expect(stdout).toContain('raw bytes');
  expect(stderr).toContain('loudly\n');
});

test('output after the end of a cell belongs to that cell', async () => {
  const first = await kernel.startCell(`setTimeout(() => console.log('late'), 120);`);
  await kernel.outcome(first);
  const second = await kernel.execute(
    `await new Promise((resolve) => setTimeout(resolve, 250)); console.log('in time');`,
  );
  await kernel.printed(first, 'late');
  expect(second.stdout).toBe('in time\n');
});

test('a loop that nobody awaits goes on printing into its own cell', async () => {
  const first = await kernel.startCell(
    `void (async () => { for (let i = 0; i < 6; i++) { await new Promise((r) => setTimeout(r, 30)); await null; console.log('tick', i); } })();`,
  );
  await kernel.outcome(first);
  const second = await kernel.execute(
    `for (let i = 0; i < 5; i++) { await new Promise((r) => setTimeout(r, 20)); console.log('mine', i); }`,
  );
  await kernel.printed(first, 'tick 5');
  expect(second.stdout).toBe([0, 1, 2, 3, 4].map((i) => `mine ${i}\n`).join(''));
});

test('an interrupted cell prints nothing any more, its timers included', async () => {
  const id = await kernel.startCell(`setInterval(() => console.log('tick'), 10); await new Promise(() => {});`);
  await kernel.printed(id, 'tick');
  await kernel.interrupt();
  expect((await kernel.outcome(id)).reply).toMatchObject({ ename: 'KeyboardInterrupt' });
  const count = () => kernel.iopub.messages.filter((message) => message.parentId === id).length;
  const atEnd = count();
  await pause(200);
  await kernel.execute('1');
  expect(count()).toBe(atEnd);
});

test('display shows a value, a mime bundle, and what tslab can', async () => {
  const { messages } = await kernel.execute(`
const { display } = await import('cellburst');
display({ a: 1 });
display({ 'text/html': '<b>bold</b>', 'text/plain': 'bold' });
display.markdown('# title');
display.png(new Uint8Array([1, 2, 3]));`);
  expect(messages.filter(({ type }) => type === 'display_data').map(({ content }) => content['data'])).toEqual(
    expect.arrayContaining([
      { 'text/plain': '{ a: 1 }' },
      { 'text/html': '<b>bold</b>', 'text/plain': 'bold' },
      { 'text/markdown': '# title', 'text/plain': '# title' },
      { 'image/png': 'AQID', 'text/plain': '[PNG image, 3 B]' },
    ]),
  );
});

test(`tslab's newDisplay overwrites what it showed before`, async () => {
  const { messages } = await kernel.execute(`
const tslab = await import('tslab');
const shown = tslab.newDisplay();
shown.text('one');
await new Promise((resolve) => setTimeout(resolve, 500));
shown.text('two');`);
  const displays = messages.filter(({ type }) => type.includes('display_data'));
  expect(displays.map(({ type }) => type)).toEqual(['display_data', 'update_display_data']);
  expect(displays.map(({ content }) => content['data'])).toEqual([{ 'text/plain': 'one' }, { 'text/plain': 'two' }]);
  const ids = displays.map(({ content }) => (content['transient'] as Record<string, unknown>)['display_id']);
  expect(ids[0]).toBe(ids[1]);
});

test('clear_output is sent', async () => {
  const { messages } = await kernel.execute(
    `const { clearOutput } = await import('cellburst'); clearOutput({ wait: true });`,
  );
  expect(messages.find(({ type }) => type === 'clear_output')?.content).toEqual({ wait: true });
});

test('a result says itself how it is shown', async () => {
  const own = await kernel.execute(
    `new (class { [Symbol.for('Jupyter.display')]() { return { 'text/html': '<i>me</i>' }; } })()`,
  );
  expect(own.result).toMatchObject({ data: { 'text/html': '<i>me</i>' } });
  const inspected = await kernel.execute(
    `new (class { [Symbol.for('nodejs.util.inspect.custom')]() { return 'custom picture'; } })()`,
  );
  expect(inspected.result).toMatchObject({ data: { 'text/plain': 'custom picture' } });
  const broken = await kernel.execute(
    `new (class { [Symbol.for('nodejs.util.inspect.custom')]() { throw new Error('camera shy'); } })()`,
  );
  expect(JSON.stringify(broken.result)).toContain('camera shy');
});

describe('a flood', () => {
  /** When the kernel sent it (ms): a loaded machine may hand several on at once, which is not the kernel's doing. */
  const sentAt = ({ header }: Received) => Date.parse(String(header['date']));

  /** Largest rate over any three seconds, as Jupyter's server measures it. */
  function ratesOf(messages: readonly Received[]): { bytesPerSecond: number; messagesPerSecond: number } {
    const window = 3_000;
    let bytes = 0;
    let most = { bytesPerSecond: 0, messagesPerSecond: 0 };
    let first = 0;
    messages.forEach((message, index) => {
      bytes += JSON.stringify(message.content).length;
      for (
        let oldest = messages[first];
        oldest && sentAt(message) - sentAt(oldest) > window;
        oldest = messages[++first]
      )
        bytes -= JSON.stringify(oldest.content).length;
      most = {
        bytesPerSecond: Math.max(most.bytesPerSecond, bytes / 3),
        messagesPerSecond: Math.max(most.messagesPerSecond, (index - first + 1) / 3),
      };
    });
    return most;
  }

  test('stays within the limits of the server, stops at 10 MB with one line, and stalls nothing', async () => {
    const id = await kernel.startCell(`while (true) { console.log('x'.repeat(200)); }`);
    await kernel.printed(id, 'x');
    const beats: number[] = [];
    for (let i = 0; i < 30; i++) {
      beats.push(await kernel.beat());
      await pause(50);
    }
    // A few late ones are the machine's; a kernel that stalls is late most of the time.
    const prompt = beats.filter((milliseconds) => milliseconds < 200);
    expect(prompt.length).toBeGreaterThanOrEqual(0.7 * beats.length);
    await kernel.iopub.wait(
      'line about the limit',
      ({ parentId, content }) => parentId === id && String(content['text']).includes('10 MB'),
      30_000,
    );
    await pause(300);
    await kernel.interrupt();
    const { messages, stdout, stderr, reply } = await kernel.outcome(id);
    expect(reply).toMatchObject({ ename: 'KeyboardInterrupt' });
    expect(stderr).toBe('\n[Output of this cell reached 10 MB; what follows is not shown.]\n');
    expect(stdout.length).toBeGreaterThan(9_000_000);
    expect(stdout.length).toBeLessThanOrEqual(10 * 1024 * 1024);
    const rates = ratesOf(messages.filter(({ type }) => type === 'stream'));
    expect(rates.bytesPerSecond).toBeLessThan(1_000_000);
    expect(rates.messagesPerSecond).toBeLessThan(1_000);
  });

  test('can be interrupted at once', async () => {
    const took: number[] = [];
    // The best of some tries: a loaded machine has pauses of its own.
    while (took.length < 3 && Math.min(...took) >= 1_500) {
      const id = await kernel.startCell(`while (true) { console.log('y'.repeat(1000)); }`);
      await kernel.printed(id, 'y');
      await pause(300);
      const started = performance.now();
      await kernel.interrupt();
      expect((await kernel.outcome(id)).reply).toMatchObject({ ename: 'KeyboardInterrupt' });
      took.push(performance.now() - started);
    }
    // 10 MB at the rate of the limits would be 13 s.
    expect(Math.min(...took)).toBeLessThan(1_500);
    expect((await kernel.execute('1')).reply).toMatchObject({ status: 'ok' });
  });

  test('of small displays is slowed down, and the last one comes', async () => {
    const { messages } = await kernel.execute(`
const { newDisplay } = await import('cellburst');
const shown = newDisplay();
for (let i = 0; i <= 20000; i++) shown.text('step ' + i);`);
    const displays = messages.filter(({ type }) => type.includes('display_data'));
    const seconds = (sentAt(displays.at(-1) as Received) - sentAt(displays[0] as Received)) / 1000;
    // Twenty thousand of them, in batches of 50 ms: on a slow machine more batches, but never more in a second.
    expect(displays.length).toBeLessThan(300 + 100 * seconds);
    expect(displays.length).toBeLessThan(10_000);
    expect(displays.at(-1)?.content['data']).toEqual({ 'text/plain': 'step 20000' });
  });
});
