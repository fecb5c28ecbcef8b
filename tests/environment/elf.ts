// A binary that says which versions of glibc it needs, and does nothing else: the parts of an ELF file that tell it.
const MACHINES = { x64: 62, arm64: 183 } as const;

export function makeBinary(arch: keyof typeof MACHINES, versions: readonly string[]): Buffer {
  const names = Buffer.from(`\0libc.so.6\0${versions.join('\0')}\0`);
  const needs = Buffer.alloc(16 + 16 * versions.length);
  needs.writeUInt16LE(1, 0);
  needs.writeUInt16LE(versions.length, 2);
  needs.writeUInt32LE(1, 4);
  needs.writeUInt32LE(16, 8);
  versions.forEach((version, index) => {
    const at = 16 + 16 * index;
    needs.writeUInt32LE(names.indexOf(`\0${version}\0`) + 1, at + 8);
    needs.writeUInt32LE(index + 1 < versions.length ? 16 : 0, at + 12);
  });
  const header = Buffer.alloc(64);
  header.write('\x7fELF\x02\x01', 'latin1');
  header.writeUInt16LE(MACHINES[arch], 0x12);
  header.writeBigUInt64LE(64n, 0x28);
  header.writeUInt16LE(3, 0x3c);
  const section = (type: number, offset: number, size: number, link: number): Buffer => {
    const bytes = Buffer.alloc(64);
    bytes.writeUInt32LE(type, 4);
    bytes.writeBigUInt64LE(BigInt(offset), 0x18);
    bytes.writeBigUInt64LE(BigInt(size), 0x20);
    bytes.writeUInt32LE(link, 0x28);
    return bytes;
  };
  const start = 64 * 4;
  return Buffer.concat([
    header,
    section(0, 0, 0, 0),
    section(3, start, names.length, 0),
    section(0x6ffffffe, start + names.length, needs.length, 1),
    names,
    needs,
  ]);
}
