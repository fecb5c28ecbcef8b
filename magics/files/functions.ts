// `input('data.csv')` and `output('fit.json')`: the names of files that mean the same in a cell at home and in a cell on a cluster. At home they are the
// path as given; in a job they are where the file lies there. Global functions, as TypeScript is told in language/ambient.ts.
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { FileOrders } from '../protocol/run';
import { fileOrders } from '../protocol/run';
import { parseJson, record, text as textShape } from '../protocol/shape';
import { isNamed, pathIn } from './tree';

export interface FileFunctions {
  readonly input: (path: string) => string;
  readonly output: (path: string) => string;
}

/** Errors are made by the caller's classes: a cell's own `Error` is another one than ours. */
type NewError = (message: string) => Error;

/** Where a cell runs that travels, for the threads of its `pmap`: set by the cell process, read by threads. */
export const PLACE_VARIABLE = 'CELLBURST_FILES';

export function functionsHere(newError: NewError): FileFunctions {
  return {
    input: (path) => {
      const given = text('input', path, newError);
      if (existsSync(given)) return given;
      throw newError(
        `input(${JSON.stringify(given)}): there is no such file in ${process.cwd()}. (To ask a person: import { input } from 'cellburst'.)`,
      );
    },
    output: (path) => text('output', path, newError),
  };
}

export interface Place {
  /** Absolute: where the tree lies here. */
  readonly work: string;
  readonly files: FileOrders;
}

export function functionsThere({ work, files }: Place, newError: NewError): FileFunctions {
  const homeFolder = join(files.root, files.folder);
  const find = (path: string): string | undefined => pathIn(files.root, resolve(homeFolder, path));
  return {
    input: (path) => {
      const given = text('input', path, newError);
      const inTree = find(given);
      const place = inTree === undefined ? undefined : join(work, inTree);
      if (place !== undefined && existsSync(place)) return place;
      throw newError(
        `input(${JSON.stringify(given)}): the file did not come along. A name that is no literal has to stand on the line: %%cluster --in ${given}`,
      );
    },
    output: (path) => {
      const given = text('output', path, newError);
      const inTree = find(given);
      if (inTree === undefined || !files.outputs.some((named) => isNamed(named, inTree)))
        throw newError(
          `output(${JSON.stringify(given)}): the file would not come home. A name that is no literal has to stand on the line: %%cluster --out ${given}`,
        );
      const place = join(work, inTree);
      mkdirSync(dirname(place), { recursive: true });
      return place;
    },
  };
}

/** Of a job that has to do with no files. */
export const NO_FILES: FileOrders = { root: '/', folder: '.', outputs: [], links: [] };

export function keepPlace(place: Place): void {
  process.env[PLACE_VARIABLE] = JSON.stringify(place);
}

const placeShape = record({ work: textShape, files: fileOrders });

/** Of the process that this thread belongs to. undefined: it is at home. */
export function keptPlace(): Place | undefined {
  const kept = process.env[PLACE_VARIABLE];
  if (kept === undefined) return undefined;
  return parseJson(kept, placeShape, PLACE_VARIABLE);
}

/** Makes them globals, which a name of the notebook may hide. */
export function installFunctions(target: object, functions: FileFunctions): void {
  for (const [name, value] of Object.entries(functions))
    Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false });
}

function text(name: string, path: unknown, newError: NewError): string {
  if (typeof path === 'string' && path !== '') return path;
  throw newError(`${name}(path): a path is needed, not ${path === '' ? 'an empty text' : typeof path}.`);
}
