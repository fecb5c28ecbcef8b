// The agent of an allocation that nobody can reach: it calls back, and looks for calls that come through files.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { CALLS_FOLDER, KEY_FILE, LISTEN_FILE } from '../protocol/layout';
import { FileStream, LOOK_MS, keepCalling } from '../transports';

/** `directory`: of the allocation's job. Without a key there, others come in by themselves. Settles when the signal is aborted. */
export async function answerCalls(
  { directory, jobId }: { readonly directory: string; readonly jobId: string },
  serve: (stream: Duplex) => void,
  signal: AbortSignal,
): Promise<void> {
  const keyFile = join(directory, KEY_FILE);
  if (!existsSync(keyFile)) return;
  const place = { name: jobId, keyFile, placeFile: join(directory, LISTEN_FILE) };
  await Promise.all([keepCalling(place, serve, signal), answerFiles(join(directory, CALLS_FOLDER), serve, signal)]);
}

/** Whoever calls again has let the earlier call go. */
async function answerFiles(folder: string, serve: (stream: Duplex) => void, signal: AbortSignal): Promise<void> {
  const seen = new Map<string, FileStream>();
  while (!signal.aborted) {
    const calls = existsSync(folder) ? readdirSync(folder).filter((call) => !seen.has(call)) : [];
    for (const call of calls) {
      for (const earlier of seen.values()) earlier.destroy();
      const path = join(folder, call);
      const stream = new FileStream(path, 'answer');
      seen.set(call, stream);
      stream.once('close', () => {
        rmSync(path, { recursive: true, force: true });
      });
      serve(stream);
    }
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  for (const stream of seen.values()) stream.destroy();
}
