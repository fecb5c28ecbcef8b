// What a cell would send, as a table for people and as data for programs.
import type { Ahead, ImageAhead, PackagesAhead } from './brought';
import type { FilesToSend } from './protocol/chores';
import { showBytes } from './config/quantities';
import type { CaptureEntry, CaptureReport, CellOutcome } from './namespace';
import { CAPTURE_MIME } from './protocol/capture';
import { describeRefusals } from './protocol/errors';
import type { Refusal } from './protocol/errors';
import { showError, showTable, showText, succeed, type Shown } from './show';

/** What the cluster has not. `unknown`: it was not asked, or did not answer. */
export type Lacking =
  /** It is this machine. */
  | { readonly kind: 'here' }
  /** `lacks`: parts of the bundle, offsets and lengths in turns. `files`: bytes of each that are not there. */
  | { readonly kind: 'there'; readonly lacks: readonly number[]; readonly files: ReadonlyMap<string, number> }
  | { readonly kind: 'unknown' };

/** `sends`: bytes of it that would be sent, 0 where all is there already. Absent: that is not known. */
type Named = Omit<CaptureEntry, 'places'> & { readonly sends?: number };

/** The JSON under CAPTURE_MIME. */
export interface CaptureData {
  readonly names: readonly Named[];
  readonly packages: CaptureReport['packages'];
  readonly packageMode?: string;
  /** All packages as they travel. Absent: they do not, or the cluster could not be asked. */
  readonly packageArchive?: PackagesAhead['archive'];
  readonly image?: ImageAhead;
  /** Local modules and files: absolute or relative paths, in bytes. */
  readonly modules: readonly Sized[];
  readonly files: readonly Sized[];
  readonly refusals: readonly Refusal[];
  /** Of the whole. */
  readonly bytes: number;
}

interface Sized {
  readonly path?: string;
  readonly bytes: number;
  readonly sends?: number;
}

export function showCapture(
  report: CaptureReport,
  { packages, image }: Ahead,
  toSend: FilesToSend | undefined,
  lacking: Lacking,
): Shown {
  const { count = 0, bytes = 0 } = toSend?.files ?? {};
  const names = report.entries.map(({ places, ...entry }) => ({ ...entry, ...sendsOf(entry.bytes, places, lacking) }));
  const modules = report.files.map((file) => ({ ...file, ...sendsOf(file.bytes, report.codePlaces, lacking) }));
  const files = (toSend?.shown ?? []).map(({ path, bytes: size }) => ({
    ...{ path, bytes: size },
    ...(lacking.kind === 'there'
      ? { sends: lacking.files.get(path) ?? size }
      : lacking.kind === 'here'
        ? { sends: 0 }
        : {}),
  }));
  const rows = [
    ...names.map((entry) => [entry.name, entry.kind, sizeOf(entry), entry.origin, sentOf(entry, lacking)]),
    ...report.packages.map((one) => [one.name, 'package', '', one.version ?? 'version unknown', wayOf(packages)]),
    ...modules.map((file) => [
      file.path,
      'module',
      showBytes(file.bytes),
      'the notebook’s folder',
      sentOf(file, lacking),
    ]),
    ...files.map((file) => [file.path, 'input', showBytes(file.bytes), '--in or input()', sentOf(file, lacking)]),
    ...(image === undefined ? [] : [[image.image, 'image', sizeOfImage(image), 'the cluster', seenOf(image)]]),
    ...(count > files.length ? [[`… and ${count - files.length} more`, 'input', '', '', '']] : []),
  ];
  const data: CaptureData = {
    names,
    packages: report.packages,
    ...(report.packages.length === 0 ? {} : { packageMode: packages.mode }),
    ...(packages.archive === undefined ? {} : { packageArchive: packages.archive }),
    ...(image === undefined ? {} : { image }),
    modules,
    files,
    refusals: report.refusals,
    bytes: report.bytes + bytes + (packages.archive?.bytes ?? 0),
  };
  return withData(tableOf(rows, report, { packages, image }, data.bytes), data);
}

/** How much of what lies in these places the cluster lacks; no more than it has bytes. */
function sendsOf(bytes: number, places: readonly number[] = [], lacking: Lacking): { readonly sends?: number } {
  if (lacking.kind === 'unknown') return {};
  if (lacking.kind === 'here') return { sends: 0 };
  const parts = Array.from({ length: places.length / 2 }, (_, index) => places.slice(2 * index, 2 * index + 2));
  const isLarge = parts.some(([, length = 0]) => length >= LARGE_BYTES);
  let all = 0;
  let sent = 0;
  for (const [start = 0, length = 0] of parts) {
    // The few bytes that say what a large array is lie among others, and go with them.
    if (isLarge && length < SMALL_BYTES) continue;
    all += length;
    sent += overlap(start, start + length, lacking.lacks);
  }
  return { sends: sent === all ? bytes : Math.min(bytes, sent) };
}

const LARGE_BYTES = 64 * 1024;
const SMALL_BYTES = 4 * 1024;

function overlap(start: number, end: number, lacks: readonly number[]): number {
  let bytes = 0;
  for (let at = 0; at < lacks.length; at += 2) {
    const [from = 0, length = 0] = lacks.slice(at, at + 2);
    bytes += Math.max(0, Math.min(end, from + length) - Math.max(start, from));
  }
  return bytes;
}

function sentOf({ bytes, sends }: Sized, lacking: Lacking): string {
  // What shares all of itself with an earlier row has said it there.
  if (sends === undefined || bytes === 0) return '';
  if (lacking.kind === 'here') return 'stays here';
  if (sends === 0) return 'already there';
  return sends >= bytes ? 'sent' : `${showBytes(sends)} of it`;
}

/** Of packages, how they come to the cell. */
function wayOf({ mode, isHere, archive }: PackagesAhead): string {
  if (mode === 'none') return isHere ? 'used in place' : 'not sent';
  if (archive === undefined) return '';
  const way = isHere ? 'stays here' : archive.sends === 0 ? 'already there' : 'sent';
  if (mode === 'bundle') return way;
  return archive.isInstalled ? 'installed already' : `${way}, to be installed`;
}

function sizeOfImage({ seen }: ImageAhead): string {
  return seen?.state === 'there' && seen.bytes !== undefined ? showBytes(seen.bytes) : '';
}

/** Jobs fetch no images. */
export function seenOf({ seen }: ImageAhead): string {
  if (seen === undefined) return '';
  if (seen.state === 'there') return `already there (${seen.host})`;
  return seen.state === 'absent' ? `not on ${seen.host}` : `not known: ${seen.reason}`;
}

function tableOf(
  rows: readonly string[][],
  { refusals, packages: named }: CaptureReport,
  { packages, image }: Pick<Ahead, 'packages'> & { readonly image: ImageAhead | undefined },
  bytes: number,
): Shown {
  if (rows.length === 0) return showText('Would send the cell alone: it uses nothing of the notebook.');
  // An image is there, or it is not: it is never sent.
  const sent = rows.length - (image === undefined ? 0 : 1);
  const things = sent === 0 ? 'the cell alone' : `${sent} thing${sent === 1 ? '' : 's'}`;
  const what =
    refusals.length > 0
      ? `Would have to send ${things}, and ${refusals.length === 1 ? 'one value' : `${refusals.length} values`} cannot travel:`
      : `Would send ${things}, ${showBytes(bytes)} in all:`;
  const size = packages.archive === undefined ? '' : `, ${showBytes(packages.archive.bytes)} as one archive`;
  const way = named.length === 0 ? '' : `Packages: ${packages.mode} (${packages.reason})${size}`;
  return showTable(['name', 'kind', 'size', 'from', 'to send'], rows, what, way);
}

/** What an earlier row has counted is not counted again. */
function sizeOf({ bytes, sharedWith }: CaptureEntry): string {
  return sharedWith === undefined ? showBytes(bytes) : `${showBytes(bytes)}, shares with ${sharedWith}`;
}

function withData(shown: Shown, data: CaptureData): Shown {
  return { ...shown, data: { ...shown.data, [CAPTURE_MIME]: data } };
}

/** A report with refusals is shown all the same, and then the cell fails as it would without `--dry-run`. */
export function outcomeOf(report: CaptureReport, shown: Shown, show: (shown: Shown) => void): CellOutcome {
  if (report.refusals.length === 0) return succeed(shown);
  show(shown);
  return { ok: false, error: showError('CaptureError', describeRefusals(report.refusals)) };
}
