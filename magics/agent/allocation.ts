// The agent as what keeps an allocation: it tells its life and its end by the files that a runner would write, ends when no cell has come for as
// long as it was told to wait, whoever else is dead, and takes its jobs along when it is stopped.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Jobs } from '../jobs';
import { writeWhole } from '../protocol/files';
import { isFinal } from '../protocol/job';
import { HEARTBEAT_FILE, OUTCOME_FILE } from '../protocol/layout';
import { hostName, identify } from '../protocol/platform';
import { RUN_PROTOCOL, type AllocationOrders, type Heartbeat, type Outcome } from '../protocol/run';

const BEAT_MS = 1000;
/** Runners end their jobs within 5 s. */
const END_MS = 8000;

/** Runs `serve` to its end; it says when it can be reached. Throws when the directory cannot be written. */
export async function keepAllocation(
  orders: AllocationOrders,
  stop: AbortSignal,
  serve: (ready: () => void) => Promise<void>,
): Promise<void> {
  const startedAt = Date.now();
  const self = identify(process.pid);
  const common = { protocol: RUN_PROTOCOL, host: hostName(), startedAt, outputBytes: 0, droppedBytes: 0 } as const;
  const usage = () => ({
    peakMemoryMiB: Math.round(process.resourceUsage().maxRSS / 1024),
    cpuSeconds: process.cpuUsage().user / 1e6,
    elapsedSeconds: (Date.now() - startedAt) / 1000,
  });
  const beat = (): void => {
    const told: Heartbeat = { ...common, runner: self, cell: self, beatAt: Date.now(), usage: usage() };
    writeWhole(join(orders.directory, HEARTBEAT_FILE), `${JSON.stringify(told)}\n`);
  };
  // SIGTERM and not an idle end: whoever has sent it, the batch system knows.
  const terminated = { is: false };
  process.once('SIGTERM', () => {
    terminated.is = true;
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    await serve(() => {
      beat();
      timer = setInterval(beat, BEAT_MS);
    });
  } finally {
    clearInterval(timer);
  }
  const ending: Outcome['ending'] = terminated.is && stop.aborted ? { kind: 'terminated' } : { kind: 'exit', code: 0 };
  const told: Outcome = { ...common, ending, endedAt: Date.now(), usage: usage() };
  writeWhole(join(orders.directory, OUTCOME_FILE), `${JSON.stringify(told)}\n`);
}

/** None of them may go on where nobody pays for it any more. */
export async function endJobs(jobs: Jobs): Promise<void> {
  const open = () => jobs.list().filter(({ status }) => !isFinal(status));
  for (const { id } of open()) await jobs.cancel(id, AbortSignal.timeout(END_MS));
  for (const deadline = Date.now() + END_MS; open().length > 0 && Date.now() < deadline;) await sleep(50);
}
