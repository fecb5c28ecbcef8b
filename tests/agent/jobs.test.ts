// Jobs through the real agent, runner and a cell process.
import { Setting, run, textOf } from './setting';

let setting: Setting;
beforeEach(() => {
  setting = new Setting();
});
afterEach(async () => {
  await setting[Symbol.asyncDispose]();
});

test('a job runs, and its output and outcome come back', async () => {
  const agent = await setting.connect();
  const job = await run(agent, 'print("hello\\n"); finish()');
  expect(job.status).toEqual({ state: 'completed', outcome: 'value' });
  expect(await textOf(agent, job.id)).toBe('hello\n');
});
