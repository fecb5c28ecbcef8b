// Files of clusters for programs: what `cluster.fs` in a cell is made of, and the verbs of `%cluster fs` that move files.
import type { AgentConnection } from './client';
import { placeOf } from './files/place-name';
import type { Listed, OnHost } from './protocol/job-files';
import type { CallResult } from './protocol/messages';

export interface FilesSetting {
  readonly agent: AgentConnection;
  /** Absolute: where relative paths of this machine begin. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** `NAME:path`. Throws UsageError for what names no cluster. */
export function toPlace(name: string, { directory }: Pick<FilesSetting, 'directory'>): OnHost {
  return { ...placeOf(name), directory };
}

export interface ListedPlace {
  /** Absolute, there: where the paths of the entries begin. */
  readonly root: string;
  readonly entries: readonly Listed[];
}

export async function listPlace(name: string, recursive: boolean, setting: FilesSetting): Promise<ListedPlace> {
  const entries: Listed[] = [];
  let root = '';
  for await (const piece of setting.agent.files.list(toPlace(name, setting), { recursive, signal: setting.signal })) {
    root = piece.root;
    entries.push(...piece.entries);
  }
  return { root, entries };
}

/** A file whole, in memory. */
export async function readPlace(name: string, setting: FilesSetting): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const { bytes } of setting.agent.files.read(toPlace(name, setting), { signal: setting.signal }))
    pieces.push(bytes);
  return Buffer.concat(pieces);
}

export interface Removed {
  readonly files: number;
  readonly folders: number;
  readonly bytes: number;
}

export function removePlace(name: string, recursive: boolean, setting: FilesSetting): Promise<Removed> {
  return removeAt(toPlace(name, setting), recursive, setting);
}

export async function removeAt(place: OnHost, recursive: boolean, { agent, signal }: FilesSetting): Promise<Removed> {
  let gone: Removed = { files: 0, folders: 0, bytes: 0 };
  for await (const { files, folders, bytes } of agent.files.remove(place, { recursive, signal }))
    gone = { files, folders, bytes };
  return gone;
}

export interface Usage extends Removed {
  readonly diskBytes: number;
}

export async function measurePlace(name: string, setting: FilesSetting): Promise<Usage> {
  let sum: Usage = { files: 0, folders: 0, bytes: 0, diskBytes: 0 };
  for await (const { files, folders, bytes, diskBytes } of setting.agent.files.usage(
    toPlace(name, setting),
    setting.signal,
  ))
    sum = { files, folders, bytes, diskBytes };
  return sum;
}

export function roomAt(name: string, setting: FilesSetting): Promise<CallResult<'fileSpace'>> {
  return setting.agent.files.space(toPlace(name, setting));
}
