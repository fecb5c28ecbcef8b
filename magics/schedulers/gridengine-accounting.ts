// Ended jobs of Grid Engine, by qacct: accounting(5), sge_types(1). Recorded on Son of Grid Engine 8.1.9.
import type { NativeId } from '../protocol/job';
import { endedByShellCode, endedBySignal, noAnswer, parseTime, toNativeId } from './answer';
import type { CommandResult, Observation, Observations } from './dialect';
import type { Explanation, Sighting } from './scheduler';

const TITLE = 'Grid Engine';

/** "failed" of accounting(5): before the job ran, and so never a success, whatever exit_status says. */
const BEFORE: Readonly<Record<number, string>> = {
  1: 'before the job could be set up on its node',
  3: 'before the configuration of the node was written',
  4: 'before its user was looked up',
  5: 'before its user could be used',
  6: 'when its parallel environment was set up',
  7: 'when the prolog was looked for',
  8: 'in the prolog',
  9: 'when the parallel environment was started',
  10: 'in the start of the parallel environment',
  11: 'before the job was started',
  17: 'since the node did not know its user',
  21: 'since the node did not recognise it',
  26: 'since its output file could not be opened',
  27: 'since its interpreter could not be found',
  28: 'since its directory could not be entered',
  29: 'since the node has no terminal for it',
  38: 'since the node had no group number left to follow it by',
};
/** Its job goes on: it was put back into the queue (24 migrating, 25 rescheduling). */
const GOES_ON = new Set([24, 25]);
/** Nothing was told of the end: "probably a program or machine crash" (accounting(5)). */
const CRASHED = 19;
const ENFORCED = 37;
const AFTER = 100;

type Row = Readonly<Record<string, string>>;

export function parseAccounting(result: CommandResult): Observations {
  const seen = new Map<NativeId, Observation>();
  // A number is used again one day, and a job has a row for each life: the last one counts.
  for (const row of accountingRows(result.stdout)) seen.set(rowId(row), account(row));
  if (seen.size === 0 && !saysNothing(result)) throw noAnswer(TITLE, 'qacct', result);
  return seen;
}

/** "not found" is an answer; so is an accounting file in which nothing was ever written. */
export function saysNothing(result: CommandResult): boolean {
  if (result.exitCode === null) return false;
  const lines = result.stderr.split('\n').filter((line) => line.trim() !== '');
  return (
    lines.length > 0 &&
    lines.every((line) => /^error: job (id|name) .* not found$|no jobs running since startup/.test(line.trim()))
  );
}

export function accountingRows(stdout: string): readonly Row[] {
  return stdout
    .split(/^={10,}\s*$/m)
    .map((block) =>
      Object.fromEntries(
        block.split('\n').map((line) => [line.split(/\s/, 1)[0] ?? '', line.replace(/^\S+\s*/, '').trim()]),
      ),
    )
    .filter(
      (row) => /^\d+$/.test(row['jobnumber'] ?? '') && row['failed'] !== undefined && row['exit_status'] !== undefined,
    );
}

function rowId(row: Row): NativeId {
  const task = row['taskid'] ?? 'undefined';
  return toNativeId(task === 'undefined' ? (row['jobnumber'] ?? '') : `${row['jobnumber']}.${task}`);
}

function account(row: Row): Observation {
  const failed = Number.parseInt(row['failed'] ?? '', 10);
  const status = Number.parseInt(row['exit_status'] ?? '', 10);
  const words = `failed ${row['failed']}, exit_status ${row['exit_status']}`.replaceAll(/\s+/g, ' ');
  const endedAt = parseTime(row['end_time']);
  const found = toEnd(row, failed, status, words);
  return { ...found, words, ...(endedAt === undefined ? {} : { endedAt }) };
}

function toEnd(row: Row, failed: number, status: number, words: string): Omit<Observation, 'words'> {
  const deletedBy = row['deleted_by'];
  if (deletedBy !== undefined && !['', 'NONE', 'undefined'].includes(deletedBy)) {
    const owner = deletedBy.split('@')[0] === row['owner'];
    return { sighting: { state: 'cancelled', by: owner ? 'unknown' : 'administrator' }, cancelledBy: deletedBy };
  }
  if (GOES_ON.has(failed)) return { sighting: { state: 'queued', reason: 'It was put back into the queue.' } };
  const before = BEFORE[failed];
  if (before !== undefined)
    return ended({ cause: 'start-failed', reason: `The job could not be started: it failed ${before}.` });
  if (failed === CRASHED)
    return ended({
      cause: 'node-lost',
      reason: `The node, or Grid Engine's shepherd on it, crashed while the job ran: nobody told how it ended.`,
    });
  if (failed === ENFORCED) return ended(enforced(row));
  if (failed === AFTER && status > 128)
    // A job that was deleted while it ran has the same row.
    return status === 137 ? { ...ended(KILLED), maybeCancelled: true } : ended(endedByShellCode(status));
  if (failed !== 0) return ended({ cause: 'runner-lost', reason: `Grid Engine says: ${words}.` });
  if (status === 0 && usedNothing(row)) return { sighting: { state: 'cancelled', by: 'unknown' } };
  return status === 0 ? { sighting: { state: 'ended' } } : ended(endedByShellCode(status));
}

const KILLED: Explanation = {
  ...endedByShellCode(137),
  reason:
    'The job was ended by SIGKILL. Grid Engine does not tell whether somebody deleted it (qdel), or its node killed it.',
};

function ended(explanation: Explanation): { readonly sighting: Sighting } {
  return { sighting: { state: 'ended', explanation } };
}

/** A job that was removed by force reads like a success that lasted 0 s. One that ran has faulted pages in. */
function usedNothing(row: Row): boolean {
  const zero = (key: string) => Number.parseFloat(row[key] ?? '') === 0;
  return zero('ru_wallclock') && zero('ru_maxrss') && zero('ru_minflt') && zero('cpu');
}

/** One code stands for three limits; what was asked and what was used tell which. A limit of the queue itself is not in the row. */
function enforced(row: Row): Explanation {
  const category = row['category'] ?? '';
  const asked = (name: string) => new RegExp(`\\b${name}=([^\\s,]+)`).exec(category)?.[1];
  const slots = Number(row['slots'] ?? 1) || 1;
  const memory = toBytes(asked('h_vmem'));
  const used = toBytes(row['maxvmem']);
  const wall = toSeconds(asked('h_rt'));
  if (memory !== undefined && used !== undefined && used >= memory * slots)
    return {
      cause: 'out-of-memory',
      reason: `The job used ${row['maxvmem']} of memory and had asked for ${asked('h_vmem')}${slots > 1 ? ' for each slot' : ''}.`,
    };
  if (wall !== undefined && Number.parseFloat(row['ru_wallclock'] ?? '') >= wall)
    return { cause: 'time-limit', reason: `The job reached its time limit of ${wall} s.` };
  return {
    ...endedBySignal(9),
    reason:
      'Grid Engine enforced a limit of run time, processor time or memory and does not tell which; it was none that the job asked for, so likely one of its queue.',
  };
}

/** `393.828MB`, `300M`, `2G`; lower case letters count by thousands (sge_types(1)). */
function toBytes(text: string | undefined): number | undefined {
  const found = /^([\d.]+)\s*([KkMmGgTt]?)B?$/.exec(text ?? '');
  if (found === null) return undefined;
  const letter = found[2] ?? '';
  const base = letter === letter.toUpperCase() ? 1024 : 1000;
  return Number(found[1]) * base ** ' KMGT'.indexOf(letter.toUpperCase() || ' ');
}

/** `3`, `0:30:0`. */
function toSeconds(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d*(:\d*){0,2}$/.test(text)) return undefined;
  return text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}
