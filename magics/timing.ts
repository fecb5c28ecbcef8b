// `%time EXPRESSION` and `%%time`: how long code takes here, without the check before it.
import type { Magic, MagicCall } from './magic';
import { findMagics, pointAt } from './line';
import type { CellOutcome, HereRun } from './namespace';
import { UsageError } from './protocol/errors';
import { showDuration } from './config/quantities';

export const timeLine: Magic = {
  usage: '%time EXPRESSION',
  help: 'Runs one line of TypeScript and tells how long it took, and how much of that it computed.',
  async run(call) {
    const { cell, line } = call;
    const timed = findMagics(cell.source).filter(({ name }) => name.text === 'time');
    const rest = cell.source.slice(line.offset + line.text.length);
    if (line.words.length === 0)
      throw pointAt(line.text, { start: line.text.length, end: line.text.length + 1 }, '%time EXPRESSION: what?');
    if (timed.length > 1 || withoutComments(rest) !== '')
      throw new UsageError('%time measures one line. To measure the whole cell, put %%time on its first line.');
    return measure(call);
  },
};

export const timeCell: Magic = {
  usage: '%%time',
  help: 'Runs the cell and tells how long it took, and how much of that it computed.',
  run: (call) => {
    const { cell, line } = call;
    if (cell.source.slice(line.offset + line.text.length).trim() === '')
      throw new UsageError('There is nothing below the %%time line to measure. Put the code on the lines after it.');
    return measure(call);
  },
};

async function measure({ cell }: MagicCall): Promise<CellOutcome> {
  const { outcome, took } = await cell.runHere();
  if (took) cell.output.write({ type: 'stdout', text: `${tell(took)}\n` });
  return outcome;
}

function tell({ wallSeconds, userSeconds, systemSeconds }: NonNullable<HereRun['took']>): string {
  return `took ${precise(wallSeconds)} · computed ${precise(userSeconds)}, in the system ${precise(systemSeconds)}`;
}

/** `12 µs`, `3.4 ms`, `1.2 s`. */
function precise(seconds: number): string {
  if (seconds >= 1) return showDuration(seconds);
  const [amount, unit] = seconds >= 1e-3 ? [seconds * 1e3, 'ms'] : [seconds * 1e6, 'µs'];
  return `${amount >= 10 ? Math.round(amount) : Math.round(amount * 10) / 10} ${unit}`;
}

function withoutComments(code: string): string {
  return code.replace(/^\s*\/\/.*$/gm, '').trim();
}
