// Which glibc the binaries of a package need: older than the one they were built beside, mostly, and that is what decides where they run. Read from the version
// needs of ELF files ("System V ABI", "Linux Standard Base Core Specification 5.0", Symbol Versioning). 64 bits and little-endian, as the machines of
// clusters are; of others nothing is known.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { ownFacts } from '../protocol/host-facts';
import { isOlder } from './fit';
import { filesOf } from './installed';

/** Gives the bytes from an offset on; fewer at the end of the file. */
type Read = (offset: number, length: number) => Buffer;

/** `glibc`: '' for a binary that needs none. */
export interface BinaryNeed {
  readonly glibc: string;
}

const MAGIC = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
const HEADER_BYTES = 64;
const SECTION_BYTES = 64;
const VERSION_NEEDS = 0x6ffffffe;
/** e_machine, by Node's words. */
const MACHINES: Readonly<Record<string, number>> = { x64: 62, arm64: 183, ppc64: 21, riscv64: 243, loong64: 258 };
/** More is no list of versions. */
const MOST_BYTES = 1 << 20;

/** undefined: it is no binary for this processor, or cannot be read. */
export function needOf(read: Read, arch: string): BinaryNeed | undefined {
  const header = read(0, HEADER_BYTES);
  if (header.length < HEADER_BYTES || !header.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  if (header.readUInt16LE(0x12) !== MACHINES[arch]) return undefined;
  const sections = read(Number(header.readBigUInt64LE(0x28)), header.readUInt16LE(0x3c) * SECTION_BYTES);
  for (let at = 0; at + SECTION_BYTES <= sections.length; at += SECTION_BYTES) {
    if (sections.readUInt32LE(at + 4) !== VERSION_NEEDS) continue;
    const names = sections.readUInt32LE(at + 0x28) * SECTION_BYTES;
    if (names + SECTION_BYTES > sections.length) return undefined;
    const needs = readSection(read, sections, at);
    return { glibc: latestOf(namesIn(needs, readSection(read, sections, names))) };
  }
  return { glibc: '' };
}

/** The same of a file on the disk. */
function needOfFile(path: string, arch: string): BinaryNeed | undefined {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    return needOf((offset, length) => {
      const bytes = Buffer.alloc(Math.max(0, Math.min(length, size - offset)));
      return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, offset));
    }, arch);
  } finally {
    closeSync(file);
  }
}

/** Of what a package on the disk has for this machine's processor; undefined: nobody can tell. */
export function needOfPackage(folder: string): BinaryNeed | undefined {
  const need = latestNeed(
    filesOf(folder)
      .filter(mayBeBinary)
      .map((path) => needOfFile(path, process.arch)),
  );
  const [family, own = ''] = ownFacts().libc.split(' ');
  // Of several builds in it one runs here, which can need no more than there is.
  return need !== undefined && family === 'glibc' && isOlder(own, need.glibc) ? { glibc: own } : need;
}

/** What several need together. */
export function latestNeed(needs: readonly (BinaryNeed | undefined)[]): BinaryNeed | undefined {
  const known = needs.filter((need) => need !== undefined);
  return known.length === 0 ? undefined : { glibc: latest(known.map(({ glibc }) => glibc)) };
}

/** By its name: an add-on, a library, or a program. */
export function mayBeBinary(path: string): boolean {
  return /\.node$|\.so(\.\d+)*$|\/bin\/[^/.]+$/.test(path);
}

function readSection(read: Read, sections: Buffer, at: number): Buffer {
  const [offset, size] = [0x18, 0x20].map((field) => Number(sections.readBigUInt64LE(at + field)));
  return read(offset ?? 0, Math.min(size ?? 0, MOST_BYTES));
}

/** Lists within a list, each entry telling how far it is to the next. */
function namesIn(needs: Buffer, strings: Buffer): string[] {
  const found: string[] = [];
  for (let file = 0; file + 16 <= needs.length;) {
    for (let entry = file + needs.readUInt32LE(file + 8); entry + 16 <= needs.length;) {
      const start = needs.readUInt32LE(entry + 8);
      found.push(strings.toString('latin1', start, Math.max(start, strings.indexOf(0, start))));
      const next = needs.readUInt32LE(entry + 12);
      if (next === 0) break;
      entry += next;
    }
    const next = needs.readUInt32LE(file + 12);
    if (next === 0) break;
    file += next;
  }
  return found;
}

function latestOf(names: readonly string[]): string {
  return latest(names.flatMap((name) => /^GLIBC_(\d+(?:\.\d+)+)$/.exec(name)?.[1] ?? []));
}

function latest(versions: readonly string[]): string {
  return versions.reduce((newest, one) => (isOlder(newest, one) ? one : newest), '');
}
