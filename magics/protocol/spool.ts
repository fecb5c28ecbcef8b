// The spool of one job's output: what its files are called, and how offsets in the output find them.
// The head is `output.spool` and begins at offset 0. Past it come segments `output.spool.<offset of their first byte>`, of which the
// oldest are deleted again and again, so that head and tail of any flood are kept. Every file begins and ends between two records.
import { encodeOutput } from './output';
import { OUTPUT_FILE } from './layout';

/** What is kept at most, half of it head, half of it tail. */
export const SPOOL_CAP_BYTES = 64 * 1024 * 1024;
export const SEGMENT_BYTES = 4 * 1024 * 1024;

export interface Segment {
  readonly file: string;
  /** Offset in the output of the file's first byte. */
  readonly start: number;
}

export function segmentName(start: number): string {
  return start === 0 ? OUTPUT_FILE : `${OUTPUT_FILE}.${start}`;
}

/** The spool files among the names of a directory, in order of their offsets. */
export function toSegments(names: readonly string[]): Segment[] {
  const segments: Segment[] = [];
  for (const file of names) {
    if (file === OUTPUT_FILE) segments.push({ file, start: 0 });
    const digits = file.startsWith(`${OUTPUT_FILE}.`) ? file.slice(OUTPUT_FILE.length + 1) : '';
    if (/^[1-9]\d{0,15}$/.test(digits)) segments.push({ file, start: Number(digits) });
  }
  return segments.sort((a, b) => a.start - b.start);
}

/** The line that stands where output was left out: one whole record. */
export function gapNotice(droppedBytes: number, time: number): Buffer {
  const line = `\n[cellburst] ${formatBytes(droppedBytes)} of output were left out here; its beginning and its end are kept.\n`;
  return Buffer.concat(encodeOutput({ type: 'stderr', text: line }, time));
}

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
