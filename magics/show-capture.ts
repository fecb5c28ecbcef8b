// What a cell would send, as a table for people and as data for programs.
import type { JobPackages } from './protocol/environment';
import type { FilesToSend } from './protocol/chores';
import { showBytes } from './config/quantities';
import type { CaptureEntry, CaptureReport, CellOutcome } from './namespace';
import { CAPTURE_MIME } from './protocol/capture';
import { describeRefusals } from './protocol/errors';
import type { Refusal } from './protocol/errors';
import { showError, showTable, showText, succeed, type Shown } from './show';

/** The JSON under CAPTURE_MIME. */
export interface CaptureData {
  readonly names: readonly CaptureEntry[];
  readonly packages: CaptureReport['packages'];
  readonly packageMode?: string;
  /** Local modules and files: absolute or relative paths, in bytes. */
  readonly modules: CaptureReport['files'];
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  readonly refusals: readonly Refusal[];
  /** Of the whole. */
  readonly bytes: number;
}

type Packages = Pick<JobPackages, 'mode' | 'reason'>;

export function showCapture(report: CaptureReport, packages: Packages, toSend?: FilesToSend): Shown {
  const shown = toSend?.shown ?? [];
  const { count = 0, bytes = 0 } = toSend?.files ?? {};
  const rows = [
    ...report.entries.map((entry) => [entry.name, entry.kind, sizeOf(entry), entry.origin]),
    ...report.packages.map((one) => [one.name, 'package', '', one.version ?? 'version unknown']),
    ...report.files.map((file) => [file.path, 'module', showBytes(file.bytes), 'the notebook’s folder']),
    ...shown.map((file) => [file.path, 'input', showBytes(file.bytes), '--in or input()']),
    ...(count > shown.length ? [[`… and ${count - shown.length} more`, 'input', '', '']] : []),
  ];
  const data: CaptureData = {
    names: report.entries,
    packages: report.packages,
    ...(report.packages.length === 0 ? {} : { packageMode: packages.mode }),
    modules: report.files,
    files: shown.map((file) => ({ path: file.path, bytes: file.bytes })),
    refusals: report.refusals,
    bytes: report.bytes + bytes,
  };
  return withData(tableOf(rows, report, bytes, packages), data);
}

function tableOf(rows: readonly string[][], report: CaptureReport, fileBytes: number, packages: Packages): Shown {
  const { refusals } = report;
  if (rows.length === 0) return showText('Would send the cell alone: it uses nothing of the notebook.');
  const things = `${rows.length} thing${rows.length === 1 ? '' : 's'}`;
  const what =
    refusals.length > 0
      ? `Would have to send ${things}, and ${refusals.length === 1 ? 'one value' : `${refusals.length} values`} cannot travel:`
      : `Would send ${things}, ${showBytes(report.bytes + fileBytes)} in all:`;
  const way = report.packages.length === 0 ? '' : `Packages: ${packages.mode} (${packages.reason})`;
  return showTable(['name', 'kind', 'size', 'from'], rows, what, way);
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
