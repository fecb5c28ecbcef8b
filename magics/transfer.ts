// Files that move between this machine and a cluster, by name: `get` and `put`. What is in the store of either side already is not sent, a
// connection that is lost is gone on with, and everything appears whole.
import { randomBytes } from 'node:crypto';
import { mkdirSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, posix, resolve } from 'node:path';
import type { Progress, Transferred as Sent } from './client';
import type { FilesSetting } from './cluster-files';
import { removeAt, toPlace } from './cluster-files';
import { gatherInputs } from './files/inputs';
import { settleTree } from './files/settle';
import { pathIn } from './files/tree';
import { NOT_UTF8 } from './files/walk';
import { UsageError } from './protocol/errors';
import type { Listed, OnHost } from './protocol/job-files';
import { leadsOut } from './protocol/links';
import { expandHome } from './paths';

export interface TransferSetting extends FilesSetting {
  /** Of what is looked at, and then of what goes over the connection. */
  readonly progress: (progress: Progress) => void;
}

export interface TransferOptions {
  readonly recursive: boolean;
  /** Files that are there already are replaced. */
  readonly force: boolean;
}

export interface Transferred {
  readonly files: number;
  readonly bytes: number;
  /** What had to go over the connection. */
  readonly sentBytes: number;
  /** Where it is now, absolute. */
  readonly path: string;
  readonly left: readonly { readonly path: string; readonly reason: string }[];
}

/** `to`: a path of this machine; a folder that is there takes what comes under its own name. Throws UsageError for what is there already. */
export async function getPlace(
  name: string,
  to: string | undefined,
  options: TransferOptions,
  setting: TransferSetting,
): Promise<Transferred> {
  const place = toPlace(name, setting);
  const { root, kind, entries } = await listAll(place, options.recursive, setting);
  const target = resolve(setting.directory, expandHome(to ?? '.'));
  if (kind === 'file') {
    const [entry] = entries;
    const path = isFolder(target) || to?.endsWith('/') === true ? join(target, entry?.path ?? '') : target;
    const sent = await fetchTo(place.cluster, posix.join(root, entry?.path ?? ''), path, options.force, setting);
    return { files: 1, bytes: sent.bytes, sentBytes: sent.sentBytes, path, left: [] };
  }
  if (kind === 'folder' && !options.recursive)
    throw new UsageError(`${root} is a folder. To have it here with all that is in it: get -r`);
  const { only, left } = sendable(entries, kind === 'pattern' && !options.recursive);
  const files = entries.filter((entry) => entry.kind === 'file' && only.includes(entry.path)).length;
  const path = kind === 'folder' && isFolder(target) ? join(target, posix.basename(root)) : target;
  const beside = join(dirname(path), `.cellburst-${randomBytes(6).toString('hex')}.part`);
  try {
    const { bytes, sentBytes } = await setting.agent.store.fetch(
      { cluster: place.cluster, path: root, to: beside, only },
      { signal: setting.signal, progress: setting.progress },
    );
    mkdirSync(path, { recursive: true });
    await settleTree(beside, path, options.force, setting.signal);
    return { files, bytes, sentBytes, path, left };
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}

async function listAll(place: OnHost, recursive: boolean, { agent, signal }: TransferSetting) {
  const entries: Listed[] = [];
  let root = '';
  let kind: 'file' | 'folder' | 'pattern' = 'file';
  for await (const piece of agent.files.list(place, { recursive, signal })) {
    ({ root, kind } = piece);
    entries.push(...piece.entries);
  }
  return { root, kind, entries };
}

/** What can travel: links that lead out, sockets and devices stay. */
function sendable(entries: readonly Listed[], filesOnly: boolean) {
  const left: { path: string; reason: string }[] = [];
  const only: string[] = [];
  const links = new Map(entries.flatMap(({ path, kind, target }) => (kind === 'link' ? [[path, target ?? '']] : [])));
  for (const { path, kind, target = '' } of entries) {
    if (kind === 'other') left.push({ path, reason: path.includes('\uFFFD') ? NOT_UTF8 : 'it is no file' });
    else if (kind === 'link' && leadsOut(path, target, links))
      left.push({ path, reason: `it is a symbolic link to ${target}, which is not part of it` });
    else if (!(filesOnly && kind === 'folder')) only.push(path);
  }
  if (only.length === 0) throw new UsageError('There is nothing that could be sent.');
  return { only, left };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

async function fetchTo(cluster: string, path: string, to: string, replace: boolean, setting: TransferSetting) {
  if (isFolder(to)) throw new UsageError(`There is a folder already: ${to}. Name another place.`);
  if (!replace && statSync(to, { throwIfNoEntry: false }) !== undefined)
    throw new UsageError(`There is something already: ${to}. To replace it: -f`);
  return await setting.agent.store.fetch(
    { cluster, path, to, replace },
    { signal: setting.signal, progress: setting.progress },
  );
}

/** `from`: a path or a pattern of this machine. A folder that is there takes what comes under its own name. */
export async function putPlace(
  from: string,
  name: string,
  options: TransferOptions,
  setting: TransferSetting,
): Promise<Transferred> {
  const { agent, directory, signal } = setting;
  const place = toPlace(name, setting);
  const {
    files,
    list,
    left: stayed,
  } = await gatherInputs({ directory, inputs: [{ text: from, by: 'put' }], outputs: [] }, signal);
  const left = [...stayed];
  const there = await agent.files.lookAt({ ...place, path: place.path === '' ? '.' : place.path });
  const source = resolve(directory, expandHome(from));
  const named = pathIn(files.root, source) ?? '';
  const plain = list.entries.find((entry) => entry.path === named);
  const isBelow = there.kind === 'folder' || place.path.endsWith('/');
  if (plain?.kind === 'file' || plain?.kind === 'link') {
    const path = isBelow ? posix.join(there.path, basename(source)) : there.path;
    const sent = await sendFile({ ...place, path }, source, options, setting);
    return { files: 1, bytes: sent.bytes, sentBytes: sent.sentBytes, path, left };
  }
  if (plain !== undefined && !options.recursive)
    throw new UsageError(`${source} is a folder. To send it with all that is in it: put -r`);
  // A folder goes as itself, what a pattern matches goes by its paths from where the pattern begins.
  const root = plain === undefined ? dirOfPattern(from, directory) : source;
  const inRoot: string[] = [];
  for (const { kind, path: named } of list.entries) {
    const path = pathIn(root, join(files.root, named));
    if (path === undefined || path === '.') continue;
    const target = kind === 'link' ? readlinkSync(join(files.root, named)) : '';
    if (target.startsWith('/')) left.push({ path, reason: `it is a symbolic link to the absolute path ${target}` });
    else inRoot.push(path);
  }
  const path = plain !== undefined && there.kind === 'folder' ? posix.join(there.path, basename(source)) : there.path;
  const { sentBytes } = await sendTree({ ...place, path }, { path: root, only: inRoot }, options.force, setting);
  return { files: files.count, bytes: files.bytes, sentBytes, path, left };
}

/** The part of a pattern that is none. */
function dirOfPattern(from: string, directory: string): string {
  const steps = expandHome(from).split('/');
  const first = steps.findIndex((step) => /[*?[{(!+@]/.test(step));
  return resolve(directory, steps.slice(0, Math.max(0, first)).join('/') || (from.startsWith('/') ? '/' : '.'));
}

async function sendFile(place: OnHost, source: string, { force }: TransferOptions, setting: TransferSetting) {
  const { agent, signal } = setting;
  const there = await agent.files.lookAt(place);
  if (there.kind === 'folder') throw new UsageError(`There is a folder already: ${place.path}. Name another place.`);
  if (there.kind !== 'absent' && !force)
    throw new UsageError(`There is something already: ${place.path}. To replace it: -f`);
  const { cluster, path } = place;
  const what = { cluster, path: source, to: { path, replace: force } };
  return await agent.store.send(what, { signal, progress: setting.progress });
}

/** Where nothing is, by a rename; into a folder that is there, file by file. */
async function sendTree(
  place: OnHost,
  what: { readonly path: string; readonly only: readonly string[] },
  force: boolean,
  setting: TransferSetting,
): Promise<Sent> {
  const { agent, signal, progress } = setting;
  const { cluster, path } = place;
  const there = await agent.files.lookAt(place);
  const sendTo = (to: string) => agent.store.send({ cluster, ...what, to: { path: to } }, { signal, progress });
  if (there.kind === 'absent') return await sendTo(path);
  if (there.kind !== 'folder') throw new UsageError(`There is a file already: ${path}. Name another place.`);
  const beside = posix.join(posix.dirname(path), `.cellburst-${randomBytes(6).toString('hex')}.part`);
  const sent = await sendTo(beside);
  const from = { ...place, path: beside };
  try {
    await agent.files.settle(from, place, force);
  } catch (error) {
    await removeAt(from, true, setting);
    throw error;
  }
  return sent;
}
