// Where a cell runs: a folder of the job's own, in which its inputs are, and from which its outputs go home.
import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { NO_FILES, functionsThere, installFunctions, keepPlace } from '../files/functions';
import { MOST_COPIED_BYTES, changedMeanwhile, placeInputs } from '../files/place';
import { systemCode } from '../protocol/errors';
import { WORK_FOLDER } from '../protocol/layout';
import { MAIN } from '../protocol/main-context';
import type { FileOrders } from '../protocol/run';
import { readInputs, writeOutputList } from './output-list';

export interface Workplace {
  /** Says what is to go home, in the job's directory. Throws what the system throws. */
  readonly writeOutputs: () => void;
}

/** Makes the folder the working directory, with the inputs in it. Throws UnseenInput, and what the system throws. */
export function openWorkplace(directory: string, files: FileOrders | undefined): Workplace {
  const work = join(directory, WORK_FOLDER);
  const isSent = !makeFolder(work);
  const inputs = readInputs(directory);
  const place = { work: realpathSync(work), files: files ?? NO_FILES };
  // What another machine sent is in its place already, but for links.
  const linked = placeInputs(work, place.files, isSent ? { entries: place.files.links } : inputs);
  const folder = join(work, place.files.folder);
  mkdirSync(folder, { recursive: true });
  process.chdir(folder);
  keepPlace(place);
  installFunctions(
    MAIN,
    functionsThere(place, (message) => new MAIN.Error(message)),
  );
  return {
    writeOutputs: () => {
      warnOf(changedMeanwhile(place.files.root, linked));
      writeOutputList(directory, files, inputs);
    },
  };
}

const NAMED = 5;

function warnOf(changed: readonly string[]): void {
  if (changed.length === 0) return;
  const more = changed.length > NAMED ? ` and ${changed.length - NAMED} more` : '';
  process.stderr.write(
    `Changed while the job ran: ${changed.slice(0, NAMED).join(', ')}${more}. Inputs of more than ${MOST_COPIED_BYTES / 2 ** 30} GiB are not copied where they lie: the cell sees the files themselves. What it writes to has to be named with --out as well.\n`,
  );
}

/** False: it is there. Not recursive: a job whose directory was deleted under it must not bring it back. */
function makeFolder(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}
