// `%memory`: what the process of the cells uses, what it may use, and a new process that may use more.
import { offer, type Magic, type MagicCall } from './magic';
import { parseMemory, showBytes, showMemory } from './config/quantities';
import { argumentText, pointAt } from './line';
import type { CellOutcome } from './namespace';
import { showTable, showText, succeed } from './show';

export const memory: Magic = {
  usage: '%memory [SIZE]',
  help:
    'Shows how much memory the process of the cells uses, its limit, and what to do when that is not enough. ' +
    'With a size, as 8GB, starts the process anew with a heap that may grow so large: all names are gone then.',
  async run(call) {
    const { cell, line, session } = call;
    if (line.words.length > 0) return setHeap(call);
    const { heapUsed, heapLimit, external, resident } = await session.namespace.chore('memory', {}, cell.signal);
    return succeed(
      showTable(
        ['memory', 'now', 'at most'],
        [
          ['JavaScript heap', showBytes(heapUsed), showBytes(heapLimit)],
          ['typed arrays, buffers, native code', showBytes(external), 'what the machine has'],
          ['process in all', showBytes(resident), 'what the machine has'],
        ],
        '',
        'A process whose heap is full ends, and with it all names. For a larger one: %memory 8GB, before anything is computed (for every notebook: ' +
          'CELLBURST_NODE_OPTIONS=--max-old-space-size=8192 in the environment of Jupyter). Keep numbers in typed arrays, which lie outside of the heap; ' +
          'or send the cell away: %%cluster --memory 16GB.',
      ),
    );
  },
  offers: ({ earlier }) => offer('size', earlier.length === 0 ? ['2GB', '4GB', '8GB', '16GB'] : []),
};

/** Less than this is no heap to work with. */
const LEAST_HEAP_MIB = 64;

async function setHeap({ line, session }: MagicCall): Promise<CellOutcome> {
  const text = argumentText(line);
  const size = parseMemory(text);
  if (size === undefined || size < LEAST_HEAP_MIB)
    throw pointAt(
      line.text,
      { start: line.name.end + 1, end: line.text.length },
      `%memory takes a size from 64MB on, as 8GB, not ${JSON.stringify(text)}.`,
    );
  await session.restart(size);
  session.workingDirectory = session.directory;
  return succeed(
    showText(
      `The process of the cells was started anew; its heap may grow to ${showMemory(size)}. All names are gone, and what %env and %cd had set.`,
    ),
  );
}
