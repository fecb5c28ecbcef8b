// The least job there is, for a try whether a cluster runs jobs at all: made without a compiler and without a process for cells, by hand of what the protocol says.
import { join } from 'node:path';
import type { AgentConnection } from './client';
import { showDuration } from './config/quantities';
import { toWritten } from './protocol/bundle';
import { RUNTIME, type CellCode } from './protocol/code';
import { writeContainer } from './protocol/container';
import { fine, trouble, type Finding } from './protocol/finding';
import { encodeGraph } from './protocol/graph';
import type { EncodeHooks } from './protocol/graph-hooks';
import { isFinal, type JobRecord } from './protocol/job';
import { BUNDLE_FILE } from './protocol/layout';
import { stateInWords } from './show';

/** A queue may be long; whoever tries a cluster does not want to wait for it. */
const PATIENCE_MS = 120_000;
const CHECK = 'a tiny job';

const TEXT = `(function(${RUNTIME.context}){"use strict";${RUNTIME.context}.value = 1 + 1;\n})`;
const CELL: CellCode = {
  ...{ id: 'cellbursttinyjob0000', execution: 0, source: '1 + 1', isAsync: false },
  local: { text: TEXT, mappings: '' },
  shipped: { text: TEXT, mappings: '' },
  ...{ declarations: [], imports: [], dynamicImports: [], functions: [], hiddenNames: [] },
  uses: { reads: [], writes: [], probes: [] },
};

/** It sends no value, so nothing is asked of these. */
const NO_CODE: EncodeHooks = {
  codedBy: () => undefined,
  settledAs: () => undefined,
  namesOf: () => [],
  privatesOf: () => [],
  pathOf: () => undefined,
  describe: () => ({ kind: 'refused', reason: { what: 'code', advice: '' } }),
  isImplied: () => false,
  packageClassOf: () => undefined,
  refuse: () => undefined,
  kept: undefined,
  parentOf: () => undefined,
  nameOf: () => '',
};

/** Runs it there and takes it away again. */
export async function tryCluster(agent: AgentConnection, cluster: string, signal: AbortSignal): Promise<Finding> {
  const started = performance.now();
  const job = await agent.create({
    ...{ name: CHECK, summary: '1 + 1', cluster, resources: { cores: 1 }, environment: {} },
    origin: { client: 'kernel', pid: process.pid, directory: process.cwd() },
  });
  try {
    writeContainer(
      join(job.directory, BUNDLE_FILE),
      toWritten(CELL, pack()),
      encodeGraph({ roots: [], rootNames: [], hooks: NO_CODE }).graph,
    );
    await agent.submit(job.id);
    const ended = await waitForEnd(agent, job, AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]));
    const seconds = showDuration((performance.now() - started) / 1000);
    if (ended.status.state === 'completed' && ended.status.outcome === 'value') {
      const { node } = ended.ranOn ?? {};
      return fine(CHECK, `ran${node === undefined ? '' : ` on Node ${node}`} and came back in ${seconds}`);
    }
    const why = ended.status.state === 'failed' ? `: ${ended.status.reason}` : '';
    return trouble(CHECK, `after ${seconds} it is ${stateInWords(ended.status)}${why}`);
  } finally {
    await takeAway(agent, job);
  }
}

function pack() {
  const none = { cells: [CELL], names: [], codecs: [], writeOnly: [], modules: [], files: [], links: {} };
  return { ...none, directory: process.cwd() };
}

async function waitForEnd(agent: AgentConnection, job: JobRecord, signal: AbortSignal): Promise<JobRecord> {
  let last = job;
  for await (const record of agent.watch(job.id, signal)) last = record;
  return last;
}

async function takeAway(agent: AgentConnection, job: JobRecord): Promise<void> {
  const { status, submittedAt } = await agent.job(job.id);
  if (isFinal(status) || submittedAt === undefined) await agent.discard(job.id);
  else await agent.cancel(job.id);
}
