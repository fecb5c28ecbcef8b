// Inputs of a job that had to wait for its host: they are on the way there again, if the host has cleared them away meanwhile.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentConnection } from '../../magics/client';
import { gatherInputs } from '../../magics/files/inputs';
import { jobId } from '../../magics/protocol/records';
import { INPUTS_FILE } from '../../magics/protocol/layout';
import { sendFiles } from '../../magics/schedulers/remote-files';
import { Contents, readAsContent } from '../../magics/store';
import { Setting, specOf } from '../agent/setting';

const signal = new AbortController().signal;
let directory: string;
let setting: Setting;
let agent: AgentConnection;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'waiting-'));
  setting = new Setting();
  agent = await setting.connect();
});
afterAll(async () => {
  await setting[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

test('what is not there any more is sent again, as long as it is here as it was', async () => {
  const [home, job] = [join(directory, 'home'), join(directory, 'job')];
  for (const folder of [home, job]) mkdirSync(folder);
  writeFileSync(join(home, 'data.csv'), '1,2');
  const contents = new Contents({
    directory: join(directory, 'store'),
    limits: { bytes: 1e9, days: 30 },
    log: (line) => {
      throw new Error(line);
    },
  });
  const inputs = [{ text: 'data.csv', by: '--in' }];
  const { files, list } = await gatherInputs({ directory: home, inputs, outputs: [] }, signal);
  writeFileSync(join(job, INPUTS_FILE), JSON.stringify(list));
  const { source } = await readAsContent(home, join(directory, 'seen'), { signal, only: ['data.csv'] });
  const { content } = source;
  const spec = { ...specOf(), files: { ...files, inputs: 'sent' as const }, inputs: [{ content, path: '.' }] };
  const waiting = { job: { id: jobId('abc123', 'id'), spec, directory: job }, contents };

  await expect(agent.store.place({ content, path: join(directory, 'none') }, signal)).rejects.toThrow(
    /not in the store/,
  );
  expect(await sendFiles(agent, waiting, signal)).toEqual({});
  await agent.store.place({ content, path: join(directory, 'there') }, signal);
  // It is there: nothing is read here.
  rmSync(join(home, 'data.csv'));
  expect(await sendFiles(agent, waiting, signal)).toEqual({});

  writeFileSync(join(home, 'data.csv'), '3,4');
  await using other = new Setting();
  await expect(sendFiles(await other.connect(), waiting, signal)).rejects.toThrow(
    /not what they were\. Run the cell again/,
  );
});
