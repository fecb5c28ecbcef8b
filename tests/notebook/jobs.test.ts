// Jobs outlive the cell that started them: detached, interrupted, over a restart of the kernel.
import { JOB_MIME } from '../../magics/protocol/monitor';
import { isObject } from '../../magics/protocol/shape';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { shownText, succeed, useNotebook, valueOf } from './open';
import { kernelNode } from './server';

const opened = useNotebook();

test('a detached job returns at once, and its result is attached after a restart of the kernel, once', async () => {
  await succeed(opened.notebook, 'const factor = 6;');
  const source =
    '%%cluster --detach --name answer\nawait new Promise((resolve) => setTimeout(resolve, 2500));\nconsole.log("thinking"); const answer = factor * 7; answer';
  const started = performance.now();
  const detached = await succeed(opened.notebook, source);
  expect(performance.now() - started).toBeLessThan(2500);
  const id = jobNamed('answer').id;
  expect(shownText(detached)).toContain(id);
  await opened.notebook.restart();
  const attached = await succeed(opened.notebook, `%cluster attach ${id}`);
  expect(attached.value).toBe('42');
  expect(shownText(attached)).toContain('thinking');
  expect(await valueOf(opened.notebook, 'answer')).toBe('42');
  expect((await opened.notebook.run(`%cluster attach ${id}`)).value).not.toBe('42');
});

test('what a detached cell did before it threw is here after a restart of the kernel, and with --atomic is not', async () => {
  const cell = 'const made = 5; throw new RangeError("half way")';
  await succeed(opened.notebook, `%%cluster --detach --name usual\n${cell}`);
  await succeed(opened.notebook, `%%cluster --detach --name atomic --atomic\n${cell.replace('made', 'undone')}`);
  await opened.notebook.restart();
  for (const name of ['usual', 'atomic'])
    expect((await opened.notebook.run(`%cluster attach ${jobNamed(name).id}`)).error).toMatchObject({
      name: 'RangeError',
    });
  expect(await valueOf(opened.notebook, '[typeof made, typeof undone].join()')).toBe("'number,undefined'");
}, 90_000);

test('%cluster jobs lists what runs, %cluster logs shows its output, %cluster cancel ends it', async () => {
  await succeed(
    opened.notebook,
    '%%cluster --detach --name endless\nconsole.log("under way");\nwhile (true) await new Promise((resolve) => setTimeout(resolve, 50));',
  );
  const { id } = jobNamed('endless');
  await eventually(() => jobNamed('endless').state === 'running');
  expect(shownText(await succeed(opened.notebook, '%cluster jobs'))).toMatch(
    new RegExp(`${id}[^]*endless|endless[^]*${id}`),
  );
  await eventually(async () => shownText(await succeed(opened.notebook, `%cluster logs ${id}`)).includes('under way'));
  await succeed(opened.notebook, `%cluster cancel ${id}`);
  await eventually(() => jobNamed('endless').state === 'cancelled');
}, 90_000);

test('code can wait for a job and catch why it left no result, by class, with what is known', async () => {
  await succeed(
    opened.notebook,
    '%%cluster --detach --name leaving --memory 300MB\nconsole.log("last words"); process.exit(7);',
  );
  const source = `import { cluster, JobExitError, JobFailedError } from 'cellburst';
const waited = await (async () => {
  try {
    return await cluster.wait(${JSON.stringify(jobNamed('leaving').id)});
  } catch (error) {
    if (!(error instanceof JobExitError)) throw error;
    const { name, code, exitCode, memoryAskedMiB, lastLines, stack } = error;
    return [error instanceof JobFailedError, name, code, exitCode, memoryAskedMiB, lastLines, /Cell \\[/.test(stack ?? '')];
  }
})();
JSON.stringify(waited)`;
  expect(await valueOf(opened.notebook, source)).toBe(`'[true,"JobExitError","JOB_EXIT",7,300,["last words"],true]'`);
  const there = `%%cluster\nimport { JobExitError } from 'cellburst';\nnew JobExitError('made there') instanceof Error`;
  expect(await valueOf(opened.notebook, there)).toBe('true');
}, 60_000);

test('a heap that was full is told by the error; what the engine says about itself is in the log', async () => {
  const fill = `const all: number[][] = [];\nfor (;;) all.push(Array.from({ length: 100_000 }, (_, i) => i + all.length));`;
  const full = await opened.notebook.run(
    `%%cluster --name full --memory 100MB\nconsole.error('said before');\n${fill}`,
  );
  expect(full.error).toMatchObject({ name: 'OutOfMemoryError' });
  expect(shownText(full)).toContain('said before');
  expect(shownText(full)).not.toMatch(/Last few GCs|JS stacktrace|OOMErrorHandler/);
  const log = await succeed(opened.notebook, `%cluster logs ${jobNamed('full').id}`);
  expect(shownText(log)).toMatch(/said before[^]*Last few GCs/);
}, 60_000);

test('%cluster jobs lists those of this notebook, --all those of all; %cluster forget deletes one, and no result that nobody has', async () => {
  await succeed(opened.notebook, '%%cluster --detach --name kept\n"kept"');
  const { id } = jobNamed('kept');
  await eventually(() => jobNamed('kept').state === 'completed');
  const other = await opened.server.openNotebook();
  const elsewhere = shownText(await succeed(other, '%cluster jobs'));
  expect(elsewhere).not.toContain(id);
  expect(elsewhere).toMatch(/more of other notebooks: %cluster jobs --all/);
  expect(shownText(await succeed(other, '%cluster jobs --all'))).toContain(id);
  const refused = await opened.notebook.run(`%cluster forget ${id}`);
  expect(refused.error?.message).toMatch(/has a result that is in no notebook yet/);
  expect(shownText(await succeed(opened.notebook, `%cluster forget ${id} --unfetched`))).toContain('is forgotten');
  expect(shownText(await succeed(opened.notebook, '%cluster jobs --all'))).not.toContain(id);
}, 60_000);

test('one interrupt detaches and says how to attach; the job goes on', async () => {
  const cell = opened.notebook.start(
    '%%cluster --name waited\nconsole.log("on"); await new Promise((resolve) => setTimeout(resolve, 4000)); "arrived"',
  );
  await cell.until((outputs) => shownText({ outputs }).includes('on'));
  await opened.notebook.interrupt();
  const run = await cell.done;
  const { id, state } = jobNamed('waited');
  expect(state).toBe('running');
  expect(shownText(run)).toContain(`%cluster attach ${id}`);
  await new Promise((resolve) => setTimeout(resolve, 3100));
  expect((await succeed(opened.notebook, `%cluster attach ${id}`)).value).toBe("'arrived'");
}, 90_000);

test('a second interrupt within three seconds cancels', async () => {
  const cell = opened.notebook.start(
    '%%cluster --name unwanted\nconsole.log("on"); await new Promise(() => setInterval(() => {}, 1000))',
  );
  await cell.until((outputs) => shownText({ outputs }).includes('on'));
  await opened.notebook.interrupt();
  await opened.notebook.interrupt();
  await cell.done;
  await eventually(() => jobNamed('unwanted').state === 'cancelled');
}, 90_000);

test('while it waits and runs, the cell shows one line that is updated in place', async () => {
  const updates: string[] = [];
  const bundles: Readonly<Record<string, unknown>>[] = [];
  const run = await succeed(
    opened.notebook,
    '%%cluster --cores 1\nawait new Promise((resolve) => setTimeout(resolve, 2500)); 1',
    {
      onOutput: (_outputs, { header, content }) => {
        updates.push(header.msg_type);
        if (header.msg_type.endsWith('display_data') && 'data' in content && isObject(content.data))
          bundles.push(content.data);
      },
    },
  );
  expect(updates.filter((type) => type === 'update_display_data').length).toBeGreaterThan(0);
  expect(updates.filter((type) => type === 'display_data').length).toBeLessThanOrEqual(1);
  // For every front end: our extension draws the last of the three, the others one of the first two.
  expect(bundles[0]).toEqual({
    'text/plain': expect.stringMatching(/^\S \S/) as string,
    'text/html': expect.stringMatching(/^<small/) as string,
    [JOB_MIME]: expect.objectContaining({ protocol: 1, cluster: 'local', resources: { cores: 1 } }) as unknown,
  });
  // Notebooks are passed on: no place of this machine is in them.
  expect(JSON.stringify(bundles)).not.toContain(opened.server.stateDirectory);
  expect(run.value).toBe('1');
});

interface Listed {
  readonly id: string;
  readonly state: string;
}

/** As the command line sees it, in the state directory of this server. */
function jobNamed(name: string): Listed {
  const command = [join(__dirname, '..', '..', 'dist', 'cli.js'), 'jobs', '--json'];
  const listing: unknown = JSON.parse(
    execFileSync(kernelNode(), command, { env: opened.server.environment, encoding: 'utf8' }),
  );
  if (!Array.isArray(listing)) throw new Error('`cellburst jobs --json` gives no list.');
  for (const record of listing as { id: string; spec: { name: string }; status: { state: string } }[])
    if (record.spec.name === name) return { id: record.id, state: record.status.state };
  throw new Error(`\`cellburst jobs\` lists no job of the name ${name}.`);
}

async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`This has not come true in 20 s: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
