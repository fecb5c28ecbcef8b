// Node for a host that has none, or one that is too old: this machine's own program where it fits, else the one that the npm registry has for that
// kind of machine; put there once, in a folder that its digest names, and checked there before it is in place.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import { TransportError, messageOf } from '../protocol/errors';
import { findNpm, reportHeader } from '../protocol/host-facts';
import { isObject } from '../protocol/shape';
import { TarReader } from '../protocol/tar';

/** What `uname` and `getconf` say of a host. */
export interface HostKind {
  /** As Node calls them: `linux`, `arm64`. */
  readonly os: string;
  readonly arch: string;
  readonly isGlibc: boolean;
  /** Its version; '' where it is none. */
  readonly glibc: string;
  /** All that was said. */
  readonly words: string;
}

export interface NodeProgram {
  readonly path: string;
  readonly sha256: string;
  /** For people: where it is from. */
  readonly origin: string;
}

/** Since which the programs run: what they are compiled to. */
export const OLDEST_NODE = 18;

const SYSTEMS: Readonly<Record<string, string>> = { Linux: 'linux', Darwin: 'darwin' };
const MACHINES: Readonly<Record<string, string>> = {
  x86_64: 'x64',
  amd64: 'x64',
  aarch64: 'arm64',
  arm64: 'arm64',
  ppc64le: 'ppc64le',
  s390x: 's390x',
  armv7l: 'armv7l',
};

/** Of `Linux x86_64 glibc 2.36`. */
export function parseKind(said: string): HostKind {
  const [system = '', machine = '', ...libc] = said.trim().split(/\s+/);
  return {
    os: SYSTEMS[system] ?? system,
    arch: MACHINES[machine] ?? machine,
    isGlibc: libc[0] === 'glibc',
    glibc: libc[0] === 'glibc' ? (libc[1] ?? '') : '',
    words: said.trim(),
  };
}

/** `cache`: a folder of this machine for what was fetched. Throws TransportError when there is none to be had. */
export async function findNode(kind: HostKind, host: string, cache: string, signal: AbortSignal): Promise<NodeProgram> {
  if (kind.os === 'linux' && !kind.isGlibc)
    throw new TransportError(
      `There is no Node.js ${OLDEST_NODE} or later on ${host}, and none can be brought: its C library is not glibc (${kind.words}). Install Node.js there, and set \`node:\` of this cluster to its absolute path.`,
    );
  const isOwn = kind.os === process.platform && kind.arch === process.arch && !isShared();
  const wanted = isOwn ? neededGlibc() : OFFICIAL_GLIBC;
  if (kind.os === 'linux' && minorOf(kind.glibc) < minorOf(wanted))
    throw new TransportError(
      `There is no Node.js ${OLDEST_NODE} or later on ${host}, and none can be brought: its C library is glibc ${kind.glibc}, and that Node.js needs ${wanted}. Set \`node:\` of this cluster to one that was built for it (Node.js 18 has unofficial builds for glibc 2.17).`,
    );
  const path = isOwn ? process.execPath : await fetchNode(kind, host, cache, signal);
  return { path, sha256: await digestOf(path, signal), origin: isOwn ? "this machine's own" : 'the npm registry' };
}

/** What the builds of nodejs.org need from 18 on (BUILDING.md of Node.js, "Platform list"). */
const OFFICIAL_GLIBC = '2.28';

/** This program was built beside some glibc: beside one of 2.28 or later it uses functions of that (fcntl64), and perhaps none that came after. */
function neededGlibc(): string {
  const built = reportHeader()['glibcVersionCompiler'];
  return typeof built === 'string' && minorOf(built) < minorOf(OFFICIAL_GLIBC) ? built : OFFICIAL_GLIBC;
}

/** Of `2.28`. What nobody knows is taken for new. */
function minorOf(glibc: string): number {
  const minor = /^2\.(\d+)/.exec(glibc)?.[1];
  return minor === undefined ? Infinity : Number(minor);
}

/** A Node whose most part is a library of the system's, as some distributions make it. */
function isShared(): boolean {
  const variables: unknown = process.config.variables;
  return isObject(variables) && String(variables['node_shared']) === 'true';
}

const FETCH_MS = 300_000;

/** The same version for another kind of machine; npm checks it by its digest. */
async function fetchNode({ os, arch }: HostKind, host: string, cache: string, signal: AbortSignal): Promise<string> {
  const { node } = process.versions;
  const name = `node-${os}-${arch}`;
  const place = join(cache, `${name}-${node}`);
  if (existsSync(place)) return place;
  const npm = findNpm();
  const what = `Cannot bring Node.js to ${host}: it needs ${name}@${node} of the npm registry`;
  if (npm === undefined) throw new TransportError(`${what}, and there is no npm on this machine.`);
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  const folder = mkdtempSync(join(cache, '.fetch-'));
  try {
    const args = [npm, 'pack', `${name}@${node}`, '--silent', '--pack-destination', folder];
    await promisify(execFile)(process.execPath, args, { cwd: folder, timeout: FETCH_MS, signal });
    const tarball = readdirSync(folder).find((file) => file.endsWith('.tgz')) ?? '';
    const part = join(folder, 'node');
    await extract(join(folder, tarball), part, signal);
    renameSync(part, place);
    return place;
  } catch (cause) {
    throw new TransportError(`${what}: ${messageOf(cause)} Install Node.js there, and set \`node:\` of this cluster.`, {
      cause,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function extract(tarball: string, path: string, signal: AbortSignal): Promise<void> {
  const file = createWriteStream(path, { mode: 0o700 });
  const ignored = { write: () => undefined, close: () => undefined };
  const reader = new TarReader({
    file: (name) =>
      name === 'package/bin/node'
        ? { write: (bytes) => void file.write(Buffer.from(bytes)), close: () => file.end() }
        : ignored,
    link: () => undefined,
  });
  await pipeline(
    createReadStream(tarball),
    createGunzip(),
    async function (pieces: AsyncIterable<Buffer>) {
      for await (const piece of pieces) reader.push(piece);
    },
    { signal },
  );
  if (!file.writableEnded) throw new TransportError('the package has no bin/node.');
  await new Promise<void>((resolve, reject) => {
    file.once('close', resolve);
    file.once('error', reject);
  });
}

const digests = new Map<string, string>();

async function digestOf(path: string, signal: AbortSignal): Promise<string> {
  const known = digests.get(path);
  if (known !== undefined) return known;
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(path, { highWaterMark: 1 << 20, signal })) hash.update(bytes as Buffer);
  const digest = hash.digest('hex');
  digests.set(path, digest);
  return digest;
}
