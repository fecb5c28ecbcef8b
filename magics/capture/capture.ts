// Names → bundle: gathers what a cell needs, writes it into the job's directory, and remembers what was sent.
import { cellLabel } from '../protocol/code';
import { toWritten } from '../protocol/bundle';
import type { CaptureReport, CaptureRequest } from '../protocol/capture';
import { containerBytes, writeContainer } from '../protocol/container';
import { CaptureError } from '../protocol/errors';
import { localeOf } from '../protocol/locale';
import { gather } from '../realm/bundle';
import type { Realm } from '../realm/realm';
import { fileUsesOf } from './file-uses';
import { remember, stateOf } from './captures';
import { entriesOf } from './entries';
import { noticesOf } from './notices';
import { modulesOf, packagesOf } from './modules';
import { placesOfHead } from './places';

/**
 * Captures what `request.cell` uses. Throws CaptureError with all refusals before anything is written, and what the system throws when the bundle
 * cannot be written.  Of a report nothing is remembered, and without a path nothing is written.
 */
export async function captureCell(realm: Realm, request: CaptureRequest): Promise<CaptureReport> {
  const { cell, bundlePath } = request;
  const isReport = request.isReport === true || bundlePath === undefined;
  const [hidden] = cell.hiddenNames;
  if (hidden !== undefined) {
    const path = `${cellLabel(cell.execution)}:${hidden.line + 1}:${hidden.column + 1}`;
    throw new CaptureError([
      { path, what: 'direct eval hides what the cell needs', advice: 'name what it needs outside of the text' },
    ]);
  }
  // The first cell of a notebook may be one of a cluster: nothing has told of the folder's aliases before.
  realm.sources.follow?.(cell.project);
  const { reads, probes, writes } = cell.uses;
  const gathered = await gather(realm, {
    names: [...reads, ...probes],
    // Assigning a name that nobody has declared fails there as it does here.
    writeOnly: writes.filter((name) => realm.has(name)),
    cells: [cell],
    forReport: isReport,
  });
  const { encoded, codes } = gathered;
  const modules = modulesOf(cell, gathered.pack);
  const packages = packagesOf(realm, modules);
  const pack = { ...gathered.pack, versions: versionsIn(packages) };
  realm.addCode(cell);
  const head = toWritten(cell, pack);
  // What holds something that cannot travel is no bundle.
  const isWritten = bundlePath !== undefined && encoded.refusals.length === 0;
  const bytes = isWritten ? writeContainer(bundlePath, head, encoded.graph) : containerBytes(head, encoded.graph);
  const bound = [...pack.names, ...pack.writeOnly, ...cell.declarations.map((declaration) => declaration.name)];
  const capture = {
    cell,
    pack,
    objects: encoded.objects,
    bufferStarts: encoded.bufferStarts,
    names: new Map(bound.map((name) => [name, stateOf(realm, name)])),
  };
  return {
    captureId: isReport ? '' : remember(realm, capture),
    entries: isReport ? entriesOf(realm, gathered, isWritten ? head : undefined) : [],
    refusals: encoded.refusals,
    packages,
    modules,
    locale: localeOf(process.env),
    files: pack.files.map((file) => ({ path: file.path, bytes: Buffer.byteLength(file.text) })),
    fileUses: fileUsesOf(cell, codes),
    bytes,
    ...(isReport && isWritten ? { codePlaces: placesOfHead(head, encoded.graph) } : {}),
    notices: noticesOf(realm, pack),
  };
}

function versionsIn(packages: CaptureReport['packages']): Record<string, string> {
  return Object.fromEntries(packages.flatMap(({ name, version }) => (version === undefined ? [] : [[name, version]])));
}
