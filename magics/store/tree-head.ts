// The head of a tree: what lies in it, as text before the bytes of its files. Without times, so that equal trees have equal ids.
//   0  "CBTREE01", u32 bytes of the head; the head, JSON: a list of entries; then the files' bytes, in the order of the entries
import { ProtocolError } from '../protocol/errors';
import { leadsOut, type Links } from '../protocol/links';
import { count, listOf, literal, parseJson, record, tagged, text, type Shaped } from '../protocol/shape';

const MAGIC = 'CBTREE01';
const PREFIX_BYTES = MAGIC.length + 4;
/** 1 million entries. */
const MAX_HEAD_BYTES = 256 * 1024 * 1024;

const treeEntry = tagged('kind', {
  directory: record({ kind: literal('directory'), path: text, mode: count }),
  file: record({ kind: literal('file'), path: text, mode: count, bytes: count }),
  link: record({ kind: literal('link'), path: text, target: text }),
});
/** Paths are relative, with `/`; a directory comes before what is in it. Modes are the lowest nine bits. */
export type TreeEntry = Shaped<typeof treeEntry>;

export function encodeHead(entries: readonly TreeEntry[]): Buffer {
  const head = Buffer.from(JSON.stringify(entries), 'utf8');
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.write(MAGIC, 'latin1');
  prefix.writeUInt32LE(head.length, MAGIC.length);
  return Buffer.concat([prefix, head]);
}

export interface TreeHead {
  readonly entries: readonly TreeEntry[];
  /** Where the bytes of the first file begin. */
  readonly bytes: number;
}

/** `read` gives bytes of the content from its beginning. Throws ProtocolError for what is no tree, or leads out of it. */
export function readHead(read: (position: number, bytes: number) => Buffer): TreeHead {
  const prefix = read(0, PREFIX_BYTES);
  if (prefix.length < PREFIX_BYTES || prefix.toString('latin1', 0, MAGIC.length) !== MAGIC)
    throw new ProtocolError('A content is no tree of files.');
  const bytes = prefix.readUInt32LE(MAGIC.length);
  if (bytes > MAX_HEAD_BYTES) throw new ProtocolError(`A tree cannot have a head of ${bytes} bytes.`);
  const entries = parseJson(read(PREFIX_BYTES, bytes).toString('utf8'), listOf(treeEntry), 'the head of a tree');
  checkEntries(entries);
  return { entries, bytes: PREFIX_BYTES + bytes };
}

/** Every entry lies in the tree, once, in a directory that came before; no link leads out. Throws ProtocolError. */
export function checkEntries(entries: readonly TreeEntry[]): void {
  const directories = new Set(['']);
  const seen = new Set<string>();
  const links = linksOf(entries);
  for (const entry of entries) {
    const { path } = entry;
    const steps = path.split('/');
    const isPlain = steps.every((step) => step !== '' && step !== '.' && step !== '..' && !step.includes('\0'));
    const parent = steps.slice(0, -1).join('/');
    if (!isPlain || seen.has(path) || !directories.has(parent))
      throw new ProtocolError(`A tree has an impossible entry: ${JSON.stringify(path.slice(0, 200))}.`);
    if (entry.kind === 'link' && leadsOut(path, entry.target, links))
      throw new ProtocolError(`A tree has a link that leads out of it: ${JSON.stringify(path.slice(0, 200))}.`);
    seen.add(path);
    if (entry.kind === 'directory') directories.add(path);
  }
}

export function linksOf(entries: readonly TreeEntry[]): Links {
  return new Map(entries.flatMap((entry) => (entry.kind === 'link' ? [[entry.path, entry.target] as const] : [])));
}
