// What a job has left behind in the directory of an agent that is gone: brought to where the job is kept here, so that nothing of it is lost.
import {
  closeSync,
  copyFileSync,
  cpSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { forestall } from '../protocol/claim';
import { readIfThere } from '../protocol/files';
import { outputList } from '../protocol/job-files';
import { ENVELOPE_FILE, HEARTBEAT_FILE, OUTCOME_FILE, OUTPUTS_FILE, WORK_FOLDER } from '../protocol/layout';
import { outcome } from '../protocol/run';
import { parseJson } from '../protocol/shape';
import { toSegments } from '../protocol/spool';
import { OutputMirror } from './mirror';

const PIECE_BYTES = 1024 * 1024;

export type Salvage =
  /** It has told how it ended; its files are here. */
  | 'ended'
  /** It had begun, and was cut off. */
  | 'cut'
  /** It was never begun: nothing is lost when it is submitted again. */
  | 'untouched';

/** `from`: the job's directory there, undefined where there is none. Whatever was there before stays. */
export function salvage(from: string | undefined, to: string): Salvage {
  if (from === undefined || !existsSync(from)) return 'untouched';
  const hasBegun = [HEARTBEAT_FILE, OUTCOME_FILE, ENVELOPE_FILE].some((file) => existsSync(join(from, file)));
  // A runner that is about to begin, in the last moment of its allocation, finds that it may not.
  if (!hasBegun && forestall(from)) return 'untouched';
  copyOutput(from, to);
  copyOutputs(from, to);
  // That its runner was asked to end is the allocation's doing, which knows why.
  const files = isStopped(from) ? [ENVELOPE_FILE] : [ENVELOPE_FILE, OUTCOME_FILE];
  for (const file of files) copyWhole(join(from, file), join(to, file));
  return existsSync(join(to, OUTCOME_FILE)) || existsSync(join(to, ENVELOPE_FILE)) ? 'ended' : 'cut';
}

function isStopped(directory: string): boolean {
  const path = join(directory, OUTCOME_FILE);
  const source = readIfThere(path);
  return source !== undefined && parseJson(source, outcome, path).ending.kind === 'terminated';
}

/** From where the output here ends. */
function copyOutput(from: string, to: string): void {
  const mirror = new OutputMirror(to);
  try {
    for (const { file, start } of toSegments(readdirSync(from))) {
      const source = openSync(join(from, file), 'r');
      try {
        const end = start + fstatSync(source).size;
        if (end <= mirror.next) continue;
        if (start > mirror.next) mirror.write({ offset: mirror.next, next: start, bytes: Buffer.alloc(0) });
        while (mirror.next < end) {
          const bytes = Buffer.alloc(Math.min(PIECE_BYTES, end - mirror.next));
          const read = readSync(source, bytes, 0, bytes.length, mirror.next - start);
          if (read === 0) break;
          mirror.write({ offset: mirror.next, next: mirror.next + read, bytes: bytes.subarray(0, read) });
        }
      } finally {
        closeSync(source);
      }
    }
  } finally {
    mirror.close();
  }
}

/** Files that the job has made for the notebook; their list last. */
function copyOutputs(from: string, to: string): void {
  const list = join(from, OUTPUTS_FILE);
  const source = readIfThere(list);
  if (source === undefined) return;
  for (const { kind, path } of parseJson(source, outputList, list).entries) {
    if (kind === 'folder') continue;
    const target = join(to, WORK_FOLDER, path);
    mkdirSync(dirname(target), { recursive: true });
    rmSync(target, { force: true });
    cpSync(join(from, WORK_FOLDER, path), target, { verbatimSymlinks: true, preserveTimestamps: true });
  }
  copyWhole(list, join(to, OUTPUTS_FILE));
}

function copyWhole(from: string, to: string): void {
  if (!existsSync(from) || existsSync(to)) return;
  copyFileSync(from, `${to}.part`);
  renameSync(`${to}.part`, to);
}
