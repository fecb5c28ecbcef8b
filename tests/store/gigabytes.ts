// `npm run test:gigabytes [-- --gb 5]`: typed arrays of several GB out to a cell process and back, and to the store of a real agent.
import { randomBytes } from 'node:crypto';
import { closeSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { captureCell, forgetCapture } from '../../magics/capture';
import { containerPart, readAsContent, scan, send, type Receiver } from '../../magics/store';
import { Setting } from '../agent/setting';
import { Notebook } from '../capture/notebook';

const DOUBLES_PER_GIB = 2 ** 27;

/** Throws an error that says what is wrong. `tell` takes lines for people. */
export async function goThrough(gib: number, tell: (line: string) => void): Promise<void> {
  const notebook = new Notebook();
  try {
    await notebook.run(
      `const arrays = Array.from({ length: ${gib} }, (_, i) => new Float64Array(${DOUBLES_PER_GIB}).fill(i + 0.5));`,
    );
    let started = performance.now();
    const { report, capture } = await notebook.cluster(
      `arrays.forEach((array, i) => { array[array.length - 1 - i] = -i - 1; }); arrays.length`,
    );
    if (!report.outcome.ok) throw new Error(`The cell failed: ${report.outcome.error.message}`);
    const isRight = await notebook.run(
      'arrays.every((array, i) => array[array.length - 1 - i] === -i - 1 && array[7] === i + 0.5)',
    );
    if (isRight !== true) throw new Error('The arrays did not come back as the cell has left them.');
    tell(`${showGb(capture.bytes)} out, one element of each array changed and back: ${seconds(started)}`);
    started = performance.now();
    await throughStore(notebook, gib, (line) => tell(`${line}: ${seconds(started)}`));
  } finally {
    notebook.close();
  }
}

async function throughStore(notebook: Notebook, gib: number, tell: (line: string) => void): Promise<void> {
  await using setting = new Setting();
  const agent = await setting.connect();
  const directory = mkdtempSync(join(tmpdir(), 'large-'));
  try {
    for (const [what, most] of [
      ['first', Infinity],
      ['unchanged', 100_000 * gib],
    ] as const) {
      const path = join(directory, 'bundle.bin');
      const cell = notebook.lower(`%%cluster\n/* ${what} */ arrays.length`);
      const { captureId } = await captureCell(notebook.realm, { cell, bundlePath: path });
      forgetCapture(notebook.realm, captureId);
      const source = await scan('bundle', [containerPart(path)], { signal: new AbortController().signal });
      const { receiver, sent } = counted(agent.store);
      await send(source, receiver, { signal: new AbortController().signal });
      if (sent() > most) throw new Error(`${sent()} bytes were sent of a bundle that is ${what}.`);
      tell(`to the store, ${what}: ${sent()} of ${source.bytes} bytes sent, lists included`);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A file of so many GiB that is holes but for its last MB, to the store and from there to another place. */
export async function sparseFile(gib: number, tell: (line: string) => void): Promise<void> {
  await using setting = new Setting();
  const agent = await setting.connect();
  const directory = mkdtempSync(join(tmpdir(), 'large-'));
  const { signal } = new AbortController();
  const started = performance.now();
  try {
    const [path, there] = [join(directory, 'sparse'), join(directory, 'there')];
    const bytes = gib * 2 ** 30;
    const end = randomBytes(1_000_000);
    const file = openSync(path, 'w');
    ftruncateSync(file, bytes);
    writeSync(file, end, 0, end.length, bytes - end.length);
    closeSync(file);
    const { source } = await readAsContent(path, join(directory, 'seen'), { signal });
    const { receiver, sent } = counted(agent.store);
    await send(source, receiver, { signal });
    await agent.store.place({ content: source.content, path: there }, signal);
    const back = Buffer.alloc(end.length);
    const placed = openSync(there, 'r');
    readSync(placed, back, 0, back.length, bytes - end.length);
    closeSync(placed);
    const { size } = statSync(there);
    if (size !== bytes || !back.equals(end))
      throw new Error(`The file did not arrive as it was: it has ${size} bytes.`);
    tell(`a sparse file of ${showGb(bytes)}: ${sent()} bytes sent: ${seconds(started)}`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What goes over the connection, but for the few bytes of the messages themselves. */
function counted(to: Receiver): { readonly receiver: Receiver; readonly sent: () => number } {
  let sent = 0;
  return {
    sent: () => sent,
    receiver: {
      offer: (offer, list) => {
        sent += list?.length ?? 0;
        return to.offer(offer, list);
      },
      bring: (content, chunks, bytes) => {
        sent += bytes.length;
        return to.bring(content, chunks, bytes);
      },
      gather: (content, signal, progress) => to.gather(content, signal, progress),
    },
  };
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

function showGb(bytes: number): string {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}
