// What a job has made for the notebook, said in its directory: by the cell process before its result, and by the runner of one that was ended before it
// could, so that what it had written by then is found.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { listOutputs } from '../files/outputs';
import { readIfThere, writeWhole } from '../protocol/files';
import { inputList, type InputList } from '../protocol/job-files';
import { INPUTS_FILE, OUTPUTS_FILE, WORK_FOLDER } from '../protocol/layout';
import type { FileOrders } from '../protocol/run';
import { parseJson } from '../protocol/shape';

export function readInputs(directory: string): InputList {
  const path = join(directory, INPUTS_FILE);
  const source = readIfThere(path);
  return source === undefined ? { entries: [] } : parseJson(source, inputList, path);
}

/** Throws what the system throws. */
export function writeOutputList(directory: string, files: FileOrders | undefined, inputs: InputList): void {
  if (files === undefined || files.outputs.length === 0) return;
  const list = listOutputs(join(directory, WORK_FOLDER), files.outputs, inputs);
  writeWhole(join(directory, OUTPUTS_FILE), `${JSON.stringify(list)}\n`);
}

/** As writeOutputList, if the cell process has not come to it. */
export function writeLeftOutputs(directory: string, files: FileOrders | undefined): void {
  if (existsSync(join(directory, OUTPUTS_FILE)) || !existsSync(join(directory, WORK_FOLDER))) return;
  writeOutputList(directory, files, readInputs(directory));
}
