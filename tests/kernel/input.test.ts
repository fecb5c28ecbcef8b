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
