// Checksums of the arrays in a container: they find what a crash or a disk has damaged, and keep nobody from forging. Small arrays have a CRC-32; large
// ones a Poly1305 tag under a key of zeros, since processors do that twice as fast, at the speed of memory; its start is too dear for small ones.
import { createCipheriv } from 'node:crypto';
import * as zlib from 'node:zlib';

/** An array that has none: this Node can compute none of its kind. */
export const NO_CHECKSUM = -1;

/** From here on Poly1305. In bytes. */
const LARGE_BYTES = 1 << 20;
const TAG_BYTES = 16;
/** Of the tag, as much as a double holds exactly. */
const KEPT_BYTES = 6;

export interface Checksum {
  /** The next bytes, in order. */
  add(bytes: Uint8Array): void;
  /** A whole number from 0, or NO_CHECKSUM. Once. */
  done(): number;
}

/** `byteLength`: of all that will be added. */
export function startChecksum(byteLength: number): Checksum {
  return byteLength < LARGE_BYTES ? startCrc() : startTag();
}

export function checksumOf(bytes: Uint8Array): number {
  const checksum = startChecksum(bytes.byteLength);
  checksum.add(bytes);
  return checksum.done();
}

const NONE: Checksum = { add: () => undefined, done: () => NO_CHECKSUM };

/** Node has it from 20.15 and 22.2 on. */
function startCrc(): Checksum {
  const crc32: unknown = Reflect.get(zlib, 'crc32');
  if (typeof crc32 !== 'function') return NONE;
  const next = crc32 as (bytes: Uint8Array, value: number) => number;
  let value = 0;
  return {
    add: (bytes) => {
      value = next(bytes, value);
    },
    done: () => value,
  };
}

/** The tag of a message that is all "additional data": authenticated, not encrypted. */
function startTag(): Checksum {
  let cipher: ReturnType<typeof openCipher>;
  try {
    cipher = openCipher();
  } catch {
    // A Node whose OpenSSL keeps to approved algorithms does not know it.
    return NONE;
  }
  return {
    add: (bytes) => {
      // More than that is refused in one call.
      for (let at = 0; at < bytes.byteLength; at += MAX_CALL_BYTES)
        cipher.setAAD(bytes.subarray(at, at + MAX_CALL_BYTES), { plaintextLength: 0 });
    },
    done: () => {
      cipher.final();
      return cipher.getAuthTag().readUIntBE(0, KEPT_BYTES);
    },
  };
}

const MAX_CALL_BYTES = 1 << 30;

function openCipher() {
  return createCipheriv('chacha20-poly1305', Buffer.alloc(32), Buffer.alloc(12), { authTagLength: TAG_BYTES });
}
