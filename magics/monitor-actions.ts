// What a person does to a job from a panel. Each ends in a result or in an error that says what to do.
import { randomUUID } from 'node:crypto';
import { constants, copyFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentConnection } from './client';
import { UsageError } from './protocol/errors';
import type { JobRecord } from './protocol/job';
import { BUNDLE_FILE, INPUTS_FILE } from './protocol/layout';
import type { ActionResult, JobAction, RetryResources } from './protocol/monitor';

export async function act(
  agent: AgentConnection,
  action: JobAction,
  id: string,
  resources: RetryResources = {},
): Promise<ActionResult> {
  const job = await agent.job(id);
  switch (action) {
    case 'cancel':
      await agent.cancel(job.id);
      return { action };
    case 'remove':
      await agent.discard(job.id);
      return { action };
    case 'hold':
    case 'release':
      await agent.change(job.id, action);
      return { action };
    case 'script':
      return { action, text: await agent.script(job.id) };
    case 'attach':
      return { action, origin: job.spec.origin, code: `%cluster attach ${job.id}` };
    case 'retry':
      return { action, job: await retry(agent, job, resources) };
  }
}

/** The same bundle again, with the packages and files that went along with it, as a new job. Gives its id. */
async function retry(agent: AgentConnection, old: JobRecord, resources: RetryResources): Promise<string> {
  const bundle = join(old.directory, BUNDLE_FILE);
  if (!existsSync(bundle))
    throw new UsageError(
      `What job ${old.id} was sent with has been cleared away meanwhile. Run its cell again instead.`,
    );
  const { spec } = old;
  // By the old one's token the old job would be found.
  const own = spec.token === undefined ? {} : { token: randomUUID() };
  const job = await agent.create({ ...spec, ...own, resources: { ...spec.resources, ...resources } });
  try {
    for (const name of [BUNDLE_FILE, INPUTS_FILE])
      if (existsSync(join(old.directory, name)))
        // Shares the bytes where the file system can.
        await copyFile(join(old.directory, name), join(job.directory, name), constants.COPYFILE_FICLONE);
    const { files, inputs } = spec;
    await agent.submit(job.id, {
      ...(files === undefined ? {} : { files }),
      ...(inputs === undefined ? {} : { inputs }),
      ...(old.packages === undefined ? {} : { packages: old.packages }),
    });
  } catch (error) {
    await agent.discard(job.id);
    throw error;
  }
  return job.id;
}
