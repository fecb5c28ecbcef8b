// What line magics have done in the user process, beside cells: there are the variables, the environment and the working directory they mean.
// Plain JSON: question and answer cross a pipe.
import type { FileUse } from './code';
import type { JobFiles } from './job-files';
import type { JobId } from './job';

/** Question and answer of each chore. */
export interface Chores {
  /** Runs a program; what it prints is output of the cell. */
  run: { question: ProgramCall; answer: ProgramEnd };
  /** Changes environment variables, and tells all of them. */
  environment: { question: EnvironmentChange; answer: Readonly<Record<string, string>> };
  /** Changes the working directory, relative to the present one, and tells it. */
  directory: { question: { readonly to?: string }; answer: { readonly directory: string } };
  names: { question: Nothing; answer: readonly NamedValue[] };
  /** Forgets these names of the notebook, or all. Answers which there were. */
  forget: { question: { readonly names?: readonly string[] }; answer: { readonly names: readonly string[] } };
  memory: { question: Nothing; answer: MemoryUse };
  /** Lists the files that go along with a job. */
  gather: { question: GatherFiles; answer: FilesToSend };
  /** Puts what a job has made into its places. */
  land: { question: LandFiles; answer: LandedFiles };
}

export type ChoreName = keyof Chores;
export type Chore = {
  [Name in ChoreName]: { readonly name: Name; readonly question: Chores[Name]['question'] };
}[ChoreName];

export type Nothing = Readonly<Record<string, never>>;

export interface ProgramCall {
  /** A program with its arguments, or one line for the system's shell. */
  readonly command:
    | { readonly kind: 'program'; readonly program: string; readonly args: readonly string[] }
    | { readonly kind: 'shell'; readonly line: string };
  /** Absolute; the working directory of the user process, if not given. */
  readonly directory?: string;
}

export type ProgramEnd =
  | { readonly how: 'exit'; readonly code: number }
  | { readonly how: 'signal'; readonly signal: string }
  /** It did not start. */
  | { readonly how: 'absent'; readonly reason: string };

export interface EnvironmentChange {
  readonly set?: Readonly<Record<string, string>>;
  readonly unset?: readonly string[];
}

/** One name of the notebook. */
export interface NamedValue {
  readonly name: string;
  /** `const`, `function`, `import` …; `value` for what a cluster cell brought from elsewhere. */
  readonly kind: string;
  /** `number`, `Map(3)`, `class Model`, `Interval` … */
  readonly type: string;
  /** One short line. */
  readonly shown: string;
  /** The number in `Cell [7]`, where it is known. */
  readonly execution?: number;
}

/** Bytes. */
export interface MemoryUse {
  readonly heapUsed: number;
  readonly heapLimit: number;
  /** Typed arrays, buffers and what native code holds: outside of the heap. */
  readonly external: number;
  readonly resident: number;
}

/** Names as typed, from the working directory of cells. */
export interface GatherFiles {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly uses: readonly FileUse[];
  /** Where the list is to be written (job-files.ts); absent to look only. */
  readonly listPath?: string;
}

/** A path, and what a person is to know of it. */
export interface PathNote {
  readonly path: string;
  readonly reason: string;
}

export interface FilesToSend {
  /** Absent: none go along, and none are to come back. */
  readonly files?: JobFiles;
  /** The first of them, by their paths from the working directory. */
  readonly shown: readonly { readonly path: string; readonly bytes: number }[];
  /** Named, and not sent. */
  readonly left: readonly PathNote[];
  /** Files that the code seems to read, are here, and do not go along. */
  readonly unsent: readonly string[];
  /** Files that the code seems to write, and that would not come home. */
  readonly lost: readonly string[];
}

export interface LandFiles {
  /** The job's own. */
  readonly directory: string;
  readonly files: JobFiles;
  readonly jobId: JobId;
  /** ms since the epoch: what has changed at home after this was not seen by the job. */
  readonly since: number;
}

/** Paths are from the working directory that the job was sent from. */
export interface LandedFiles {
  readonly files: number;
  readonly bytes: number;
  /** Not overwritten: `kept` is where the job's version is. */
  readonly conflicts: readonly (PathNote & { readonly kept: string })[];
  /** Named plainly, and never written. */
  readonly missing: readonly string[];
  readonly left: readonly PathNote[];
}
