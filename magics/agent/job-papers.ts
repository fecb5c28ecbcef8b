// What lies in a job's directory and is read as it is: what it has used over its time, and the script that its batch system was given. Of a job behind a host the
// agent there has them, while the job is there.
import { join } from 'node:path';
import type { AgentConnection } from '../client';
import { UsageError } from '../protocol/errors';
import { readIfThere } from '../protocol/files';
import { isFinal, type JobRecord } from '../protocol/job';
import { SAMPLES_FILE, SCRIPT_FILE } from '../protocol/layout';
import { usageSamples, type UsageSamples } from '../protocol/samples';
import { parseJson } from '../protocol/shape';
import { readRemoteId } from '../schedulers';

export class JobPapers {
  readonly #agentOf: (cluster: string) => Promise<AgentConnection | undefined>;

  /** `agentOf`: of a cluster behind a host that is connected; undefined otherwise. */
  constructor(agentOf: (cluster: string) => Promise<AgentConnection | undefined>) {
    this.#agentOf = agentOf;
  }

  async samples(job: JobRecord): Promise<UsageSamples | undefined> {
    const path = join(job.directory, SAMPLES_FILE);
    const source = readIfThere(path);
    if (source !== undefined) return parseJson(source, usageSamples, path);
    return await this.#there(job, (agent, id) => agent.samples(id));
  }

  async script(job: JobRecord): Promise<string> {
    const source = readIfThere(join(job.directory, SCRIPT_FILE));
    const text = source ?? (await this.#there(job, (agent, id) => agent.script(id)));
    if (text !== undefined) return text;
    throw new UsageError(
      job.spec.cluster === 'local'
        ? `Job ${job.id} ran on this machine, without a script.`
        : `The script of job ${job.id} is not here: it lies on its cluster while the job is there, and the cluster can be reached.`,
    );
  }

  async #there<T>(job: JobRecord, ask: (agent: AgentConnection, id: string) => Promise<T>): Promise<T | undefined> {
    const id = isFinal(job.status) ? undefined : readRemoteId(job.directory);
    if (id === undefined) return undefined;
    const agent = await this.#agentOf(job.spec.cluster);
    return agent === undefined ? undefined : await ask(agent, id);
  }
}
