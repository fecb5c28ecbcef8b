// Files of cluster cells, as the user process sees them: what goes along is found from its working directory, and what comes home takes its place there.
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gatherInputs } from '../../magics/files/inputs';
import { landOutputs } from '../../magics/files/landing';
import { isNamed, pathIn } from '../../magics/files/tree';
import type { FilesToSend, GatherFiles, LandFiles, LandedFiles } from '../../magics/protocol/chores';
import { readIfThere, writeWhole } from '../../magics/protocol/files';
import { outputList } from '../../magics/protocol/job-files';
import { OUTPUTS_FILE, WORK_FOLDER } from '../../magics/protocol/layout';
import { parseJson } from '../../magics/protocol/shape';

const SHOWN = 20;

export async function gatherFiles(question: GatherFiles, signal: AbortSignal): Promise<FilesToSend> {
  const { inputs, outputs, uses, listPath } = question;
  const directory = process.cwd();
  const named = (how: 'input' | 'output') => uses.filter((use) => use.how === how).map(({ path }) => path);
  const { files, list, left } = await gatherInputs(
    {
      directory,
      inputs: [
        ...inputs.map((text) => ({ text, by: '--in' })),
        ...named('input').map((text) => ({ text, by: 'input()' })),
      ],
      outputs: [
        ...outputs.map((text) => ({ text, by: '--out' })),
        ...named('output').map((text) => ({ text, by: 'output()' })),
      ],
    },
    signal,
  );
  const isUsed = list.entries.length > 0 || files.outputs.length > 0;
  if (listPath !== undefined && list.entries.length > 0) writeWhole(listPath, JSON.stringify(list));
  const sent = new Set(list.entries.map(({ path }) => path));
  const inTree = (path: string) => pathIn(files.root, resolve(directory, path));
  const guessed = (how: 'read' | 'written') => [
    ...new Set(uses.filter((use) => use.how === how).map(({ path }) => path)),
  ];
  return {
    ...(isUsed ? { files } : {}),
    shown: list.entries
      .flatMap((entry) => (entry.kind === 'file' ? [{ path: entry.path, bytes: entry.size }] : []))
      .slice(0, SHOWN),
    left,
    unsent: guessed('read').filter((path) => isFile(resolve(directory, path)) && !sent.has(inTree(path) ?? '')),
    lost: guessed('written').filter((path) => {
      const place = inTree(path);
      // A path from the root of the file system is no slip.
      return !path.startsWith('/') && !files.outputs.some((out) => place !== undefined && isNamed(out, place));
    }),
  };
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}

export async function landFiles(question: LandFiles, signal: AbortSignal): Promise<LandedFiles> {
  const { directory, files, jobId, since } = question;
  const path = join(directory, OUTPUTS_FILE);
  const source = readIfThere(path);
  const none = { files: 0, bytes: 0, conflicts: [], missing: [], left: [] };
  if (source === undefined) return none;
  const list = parseJson(source, outputList, path);
  return await landOutputs({ from: join(directory, WORK_FOLDER), files, list, jobId, since }, signal);
}
