import { KernelClient } from './client';

let kernel: KernelClient;
beforeAll(async () => {
  kernel = await KernelClient.start();
});
afterAll(() => kernel.stop());

const asked = (id: string) => kernel.stdin.wait('input_request', (message) => message.parentId === id);
const WITH_STDIN = { allow_stdin: true };

test('input asks the front end and gives what was typed', async () => {
  const id = await kernel.startCell(
    `const { input } = await import('cellburst'); console.log('hello', await input('Name? '));`,
    WITH_STDIN,
  );
  const request = await asked(id);
  expect(request.content).toEqual({ prompt: 'Name? ', password: false });
  await kernel.answerInput('Ada', request);
  expect((await kernel.outcome(id)).stdout).toBe('hello Ada\n');
});

test('a password is asked for as one', async () => {
  const id = await kernel.startCell(
    `const { input } = await import('cellburst'); console.log((await input('Key: ', { password: true })).length);`,
    WITH_STDIN,
  );
  const request = await asked(id);
  expect(request.content).toEqual({ prompt: 'Key: ', password: true });
  await kernel.answerInput('secret', request);
  expect((await kernel.outcome(id)).stdout).toBe('6\n');
});

test('readline on process.stdin asks once per question', async () => {
  const id = await kernel.startCell(
    `const readline = require('node:readline/promises').createInterface({ input: process.stdin, output: process.stdout });
const answer = await readline.question('Colour? ');
readline.close();
console.log('chosen:', answer);`,
    WITH_STDIN,
  );
  await kernel.answerInput('blue', await asked(id));
  const { stdout } = await kernel.outcome(id);
  expect(stdout).toContain('Colour? ');
  expect(stdout).toContain('chosen: blue');
  expect(kernel.stdin.messages.filter((message) => message.parentId === id)).toHaveLength(1);
});

test('a front end that cannot ask: the cell gets an error that says so', async () => {
  const { reply } = await kernel.execute(`const { input } = await import('cellburst'); await input('?');`);
  expect(reply).toMatchObject({ status: 'error', evalue: expect.stringContaining('cannot ask the user') as string });
});

test('a question can be interrupted, and the next cell is not disturbed by a late answer', async () => {
  const id = await kernel.startCell(`const { input } = await import('cellburst'); await input('Never? ');`, WITH_STDIN);
  const request = await asked(id);
  await kernel.interrupt();
  expect((await kernel.outcome(id)).reply).toMatchObject({ ename: 'KeyboardInterrupt' });
  await kernel.answerInput('too late', request);
  expect((await kernel.execute('1 + 1')).result).toMatchObject({ data: { 'text/plain': '2' } });
});

describe('prompt stops the cell until it is answered', () => {
  test('and gives the text, its default for an empty one', async () => {
    const id = await kernel.startCell(
      `const colour = prompt('Colour?'); const size: string = prompt('Size?', 'M'); console.log(colour, size);`,
      WITH_STDIN,
    );
    const first = await asked(id);
    expect(first.content).toEqual({ prompt: 'Colour? ', password: false });
    await kernel.answerInput('blue', first);
    const second = await kernel.stdin.wait(
      'second question',
      ({ parentId, content }) => parentId === id && content['prompt'] === 'Size? [M] ',
    );
    await kernel.answerInput('', second);
    expect((await kernel.outcome(id)).stdout).toBe('blue M\n');
  });

  test('in the middle of a loop, what was printed before it is there before the question', async () => {
    const id = await kernel.startCell(
      `let sum = 0; for (const n of [1, 2]) { console.log('round', n); sum += Number(prompt('n')); } sum`,
      WITH_STDIN,
    );
    await kernel.printed(id, 'round 1');
    await kernel.answerInput('20', await asked(id));
    await kernel.printed(id, 'round 2');
    const next = await kernel.stdin.wait('second', (m) => m.parentId === id && m !== firstOf(id));
    await kernel.answerInput('22', next);
    expect((await kernel.outcome(id)).result).toMatchObject({ data: { 'text/plain': '42' } });
  });

  test('confirm and alert', async () => {
    const id = await kernel.startCell(`const sure = confirm('Sure?'); sure`, WITH_STDIN);
    const request = await asked(id);
    expect(request.content['prompt']).toBe('Sure? [y/N] ');
    await kernel.answerInput('yes', request);
    expect((await kernel.outcome(id)).result).toMatchObject({ data: { 'text/plain': 'true' } });
    const alerted = await kernel.startCell(`alert('Look')`, WITH_STDIN);
    await kernel.answerInput('', await asked(alerted));
    expect((await kernel.outcome(alerted)).reply).toMatchObject({ status: 'ok' });
  });

  test('can be interrupted, its finally runs, and nothing is lost', async () => {
    await kernel.execute(`let kept = 'yes'; const born = process.pid;`);
    const id = await kernel.startCell(`try { prompt('Never?'); } finally { kept = 'cleaned'; }`, WITH_STDIN);
    const request = await asked(id);
    await kernel.interrupt();
    expect((await kernel.outcome(id)).reply).toMatchObject({ ename: 'KeyboardInterrupt' });
    await kernel.answerInput('too late', request);
    expect((await kernel.execute('kept + (born === process.pid)')).result).toMatchObject({
      data: { 'text/plain': `'cleanedtrue'` },
    });
  });

  test('is refused where nobody can be asked', async () => {
    const { reply } = await kernel.execute(`prompt('?')`);
    expect(reply).toMatchObject({ status: 'error', evalue: expect.stringContaining('cannot ask the user') as string });
  });

  test('keeps the kernel answering, and a shutdown ends it', async () => {
    const own = await KernelClient.start();
    try {
      const id = await own.startCell(`prompt('Never?')`, WITH_STDIN);
      await own.stdin.wait('question', ({ parentId }) => parentId === id);
      expect(await own.request('shell', 'kernel_info_request')).toMatchObject({ status: 'ok' });
      const gone = new Promise((resolve) => own.process.once('exit', resolve));
      await own.request('control', 'shutdown_request', { restart: false });
      expect((await own.outcome(id)).reply).toMatchObject({ status: 'error', ename: 'KernelShutdown' });
      expect(await gone).toBe(0);
    } finally {
      await own.stop();
    }
  });
});

test('a late answer to a question of an interrupted cell is no answer to the next question', async () => {
  const first = await kernel.startCell(`prompt('First?')`, WITH_STDIN);
  const stale = await asked(first);
  await kernel.interrupt();
  await kernel.outcome(first);
  const second = await kernel.startCell(`const said = prompt('Second?'); said`, WITH_STDIN);
  const request = await asked(second);
  await kernel.answerInput('stale', stale);
  await kernel.answerInput('fresh', request);
  expect((await kernel.outcome(second)).result).toMatchObject({ data: { 'text/plain': `'fresh'` } });
});

test('a job has nobody to ask, and says what to do instead', async () => {
  for (const code of [`prompt('Name?')`, `import { input } from 'cellburst';\nawait input('Name?')`]) {
    const { reply } = await kernel.execute(`%%cluster --cores 1\n${code}`, WITH_STDIN);
    expect(reply).toMatchObject({ status: 'error', ename: 'Error' });
    expect(reply['evalue']).toMatch(/needs the notebook's front end.*Ask in a cell before this one/);
  }
});

const firstOf = (id: string) => kernel.stdin.messages.find((message) => message.parentId === id);
