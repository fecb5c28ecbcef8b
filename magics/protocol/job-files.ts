// The files that a job takes along and brings back. Paths in here are relative, with `/` between names, and never leave their tree; whoever gets one
// from another machine checks that (`treePath`). Lists of files lie beside the record, since a record is written again at each step of its job.
import { ProtocolError } from './errors';
import { count, listOf, literal, number, oneOf, record, tagged, text, type Shape, type Shaped } from './shape';

/** A path inside a tree. `.` is the tree itself; no empty names, no way up, nothing absolute. */
export const treePath: Shape<string> = (value, path) => {
  const given = text(value, path);
  if (given === '.' || isInside(given)) return given;
  throw new ProtocolError(`Cannot read ${path}: ${JSON.stringify(given)} is no path inside a tree of files.`);
};

function isInside(path: string): boolean {
  return path.split('/').every((name) => name !== '' && name !== '.' && name !== '..' && !name.includes('\0'));
}

/** A symbolic link, as it is; where it leads is inside the tree. */
const linkShape = record({ kind: literal('link'), path: treePath, target: text });

/** Sizes in bytes, times in ms since the epoch, modes as chmod(2) has them (the lower 12 bits). */
const fileEntryShape = tagged('kind', {
  file: record({ kind: literal('file'), path: treePath, size: count, mode: count, modifiedAt: number }),
  folder: record({ kind: literal('folder'), path: treePath, mode: count }),
  link: linkShape,
});
export type FileEntry = Shaped<typeof fileEntryShape>;
export type LinkEntry = Shaped<typeof linkShape>;
export const linkEntry: Shape<LinkEntry> = linkShape;
export const fileEntry: Shape<FileEntry> = fileEntryShape;

/**
 * What a person names on a `%%cluster` line or in `output(…)`: a file, a folder with all that is in it, or below `base` whatever the pattern matches.
 * The pattern's grammar is picomatch's; it matches paths from `base` on.
 */
const namedPathShape = record({ base: treePath }, { glob: text });
export type NamedPath = Shaped<typeof namedPathShape>;

/** Of a job's spec. */
const jobFilesShape = record({
  /** `here`: the inputs are taken where they lie; `sent`: they were put into the job's working directory from another machine. */
  inputs: oneOf(['here', 'sent']),
  /** Absolute, on the machine of the notebook: where the tree begins that inputs and outputs are parts of. */
  root: text,
  /** The working directory of the cell in that tree. */
  folder: treePath,
  /** What the job may write for the notebook. */
  outputs: listOf(namedPathShape),
  /** Of all inputs, for people. */
  count,
  bytes: count,
  /** Symbolic links among inputs that were sent: made where the cell runs. */
  links: listOf(linkShape),
});
export type JobFiles = Shaped<typeof jobFilesShape>;
export const namedPath: Shape<NamedPath> = namedPathShape;
export const jobFiles: Shape<JobFiles> = jobFilesShape;

/** inputs.json */
export const inputList = record({ entries: listOf(fileEntryShape) });
export type InputList = Shaped<typeof inputList>;

/** outputs.json, written by the cell process before the envelope. */
export const outputList = record({
  entries: listOf(fileEntryShape),
  /** Named plainly, and not there at the end. */
  missing: listOf(text),
  /** Matched, and not to be brought home, each with the reason. */
  left: listOf(record({ path: text, reason: text })),
});
export type OutputList = Shaped<typeof outputList>;

/** Something that lies on a host, as `ls` tells of it. Sizes in bytes, times in ms since the epoch. */
const listedShape = record(
  { path: treePath, kind: oneOf(['file', 'folder', 'link', 'other']), size: count, mode: count, modifiedAt: number },
  { target: text },
);
export type Listed = Shaped<typeof listedShape>;
export const listed: Shape<Listed> = listedShape;

/** A path of a cluster as typed: absolute, below `~`, or relative to the home directory there. Wildcards are read where the files are. */
const onHostShape = record(
  { cluster: text, path: text },
  {
    /** Absolute: where relative paths begin for clusters of this very machine. */
    directory: text,
  },
);
export type OnHost = Shaped<typeof onHostShape>;
export const onHost: Shape<OnHost> = onHostShape;
