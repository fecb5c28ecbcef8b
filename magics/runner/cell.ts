// The cell process: opens a bundle, runs the cell, writes the envelope. It may be started ahead of need: everything slow is loaded before the line with
// its orders is read from descriptor 4. Output goes to descriptor 3 as records. Exit codes are those of protocol/run.ts; process.exit in the cell
// leaves no envelope and the code it gave.
import { hostname } from 'node:os';
import { readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { clusterElsewhere } from '../files/cluster-module';
import { errorClasses } from '../protocol/error-classes';
import { UnseenInput } from '../files/place';
import { bundleHead } from '../protocol/bundle';
import type { BundleHead } from '../protocol/bundle';
import { openContainer, writeContainer } from '../protocol/container';
import type { Container } from '../protocol/container';
import { ENVELOPE_PROTOCOL } from '../protocol/envelope';
import type { EnvelopeHead } from '../protocol/envelope';
import { CaptureError, ProtocolError, messageOf, systemCode } from '../protocol/errors';
import { hideHugePages } from '../protocol/huge-pages';
import { BUNDLE_FILE, ENVELOPE_FILE } from '../protocol/layout';
import { MAIN } from '../protocol/main-context';
import { CELL_EXIT, RESULT_VARIABLE, SEED_VARIABLE, USUAL_RESULT_GB, fileOrders } from '../protocol/run';
import type { CellOrders } from '../protocol/run';
import { parseJson, mapOf, record, text } from '../protocol/shape';
import { openPack } from '../realm/bundle';
import { bindingOf } from '../realm/bindings';
import { makeDisplayFunctions, showValue } from '../realm/display';
import { frontEndElsewhere, installQuestions } from '../realm/front-end';
import { BundledSources } from '../realm/local-sources';
import { makeRegisterCodec } from '../realm/codecs';
import { markLocal } from '../realm/local-marks';
import { versionNotices } from '../realm/package-versions';
import { makePmap } from '../realm/pmap';
import { recordSink, redirectStandardStreams } from '../realm/output';
import type { OutputSink } from '../realm/output';
import { seedRandom } from '../realm/random';
import { Realm } from '../realm/realm';
import type { CellRun } from '../realm/realm';
import { tooLarge } from '../realm/result-size';
import { UNASSIGNED, makeRefusal, makeReply, type Reply } from '../realm/reply';
import { recallResolutions } from './resolutions';
import { openWorkplace, type Workplace } from './workplace';
import { plainTraceback, showError, type SourceOf } from '../realm/traceback';

const OUTPUT_FD = 3;
const ORDERS_FD = 4;
const NOT_INSTALLED = 'It is not installed where the cell ran. --env-mode bundle brings what is installed here.';
const NOT_BROUGHT =
  'It did not travel: only what the cell names in imports does. Import it in the cell; --env-mode npm brings all that packages depend on.';
const DISK_CODES = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS']);
const orders = record({ directory: text }, { environment: mapOf(text), packages: text, files: fileOrders });

interface Opened {
  readonly realm: Realm;
  readonly head: BundleHead;
  readonly container: Container;
  readonly objects: Awaited<ReturnType<typeof openPack>>['objects'];
  readonly before: readonly unknown[];
}

const newError = (message: string): Error => new MAIN.Error(message);

void main();

async function main(): Promise<void> {
  const line = readLine(ORDERS_FD);
  if (line === '') process.exit(CELL_EXIT.done);
  const order = parseJson(line, orders, 'the orders of a cell process');
  const exitCode = await serve({ environment: {}, ...order });
  process.exit(exitCode);
}

async function serve({ directory, environment, packages, files }: CellOrders): Promise<number> {
  hideHugePages();
  Object.assign(process.env, environment);
  const sink = recordSink(OUTPUT_FD);
  redirectStandardStreams(sink);
  let workplace: Workplace;
  try {
    workplace = openWorkplace(directory, files);
  } catch (error) {
    return failed(error, 'The inputs of the job cannot be put into their places');
  }
  const resolutions = packages === undefined ? undefined : recallResolutions(packages);
  let opened: Opened | undefined;
  try {
    opened = await open({ directory, packages, sink, workplace });
  } catch (error) {
    return failed(error, `The bundle in ${directory} cannot be opened`);
  }
  if (opened === undefined) return CELL_EXIT.done;
  tellVersions(opened.head, packages, sink);
  reportStrayErrors(opened, sink);
  const seed = process.env[SEED_VARIABLE];
  if (seed !== undefined) seedRandom(Number(seed));
  const startedAt = Date.now();
  const run = await opened.realm.run(opened.head.cell);
  try {
    // First: with the envelope, all that belongs to the result is there.
    workplace.writeOutputs();
    await writeEnvelope(opened, directory, run, startedAt);
  } catch (error) {
    return failed(error, `The envelope in ${directory} cannot be written`);
  }
  resolutions?.keep();
  return CELL_EXIT.done;
}

/** Undefined when a codec cannot make what was sent: that is the cell's error, and the envelope is written. */
async function open({
  directory,
  packages,
  sink,
  workplace,
}: {
  readonly directory: string;
  readonly packages: string | undefined;
  readonly sink: OutputSink;
  readonly workplace: Workplace;
}): Promise<Opened | undefined> {
  const container = openContainer(join(directory, BUNDLE_FILE));
  const head = bundleHead(container.head);
  const { pack } = head;
  const display = makeDisplayFunctions(sink);
  const frontEnd = frontEndElsewhere(newError);
  installQuestions(MAIN, frontEnd);
  const realm: Realm = new Realm({
    directory: pack.directory,
    text: 'shipped',
    ...(packages === undefined ? {} : { packages }),
    missingAdvice: packages === undefined ? NOT_INSTALLED : NOT_BROUGHT,
    virtualModules: {
      cellburst: {
        ...frontEnd,
        ...display,
        pmap: makePmap(() => realm, { sink }),
        local: markLocal,
        registerCodec: makeRegisterCodec(() => realm),
        ...errorClasses,
        cluster: clusterElsewhere(newError),
      },
      tslab: { display: display.display, newDisplay: display.newDisplay, versions: { node: process.version } },
    },
    sources: new BundledSources(pack.files, pack.links),
  });
  const startedAt = Date.now();
  let objects: Opened['objects'];
  try {
    ({ objects } = await openPack(realm, pack, container.graph));
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    const { objectCount } = container.graph;
    workplace.writeOutputs();
    const facts = { head, received: objectCount, progress: 0, startedAt };
    writeReply(directory, makeRefusal(realm, objectCount, error.refusals), facts);
    container.close();
    return undefined;
  }
  for (const name of pack.writeOnly) realm.bind(name, UNASSIGNED);
  const before = pack.names.map((name) => bindingOf(name).get());
  return { realm, head, container, objects, before };
}

async function writeEnvelope(
  { realm, head, container, objects, before }: Opened,
  directory: string,
  run: CellRun,
  startedAt: number,
): Promise<void> {
  // Shown here, where its own methods may run; at home it is data. First of all: those may change what travels.
  const display = run.ok && run.hasValue && run.value !== undefined ? await showValue(run.value) : undefined;
  const reply = await makeReply({
    realm,
    cell: head.cell,
    pack: head.pack,
    graph: container.graph,
    objects,
    before,
    run,
  });
  const limit = (Number(process.env[RESULT_VARIABLE]) || USUAL_RESULT_GB) * 1e9;
  const raise = `allow more: --env ${RESULT_VARIABLE}=…`;
  const refusals = tooLarge(reply.encoded.graph, ['the result', ...reply.names], limit, raise);
  if (refusals.length > 0) {
    const facts = { head, received: objects.length, progress: 0, startedAt };
    writeReply(directory, makeRefusal(realm, objects.length, refusals), facts);
    container.close();
    return;
  }
  const shown = display === undefined ? {} : { display: JSON.stringify(display) };
  writeReply(directory, reply, { head, received: objects.length, progress: run.progress, startedAt, ...shown });
  container.close();
}

interface ReplyFacts {
  readonly head: BundleHead;
  /** How many objects the bundle has. */
  readonly received: number;
  readonly progress: number;
  readonly startedAt: number;
  /** Of the value, as text. */
  readonly display?: string;
}

function writeReply(
  directory: string,
  reply: Reply,
  { head, received, progress, startedAt, display }: ReplyFacts,
): void {
  const envelope: EnvelopeHead = {
    protocol: ENVELOPE_PROTOCOL,
    outcome: reply.outcome,
    hasValue: reply.hasValue,
    ...(reply.outcome === 'error'
      ? { error: showError(reply.result, sourcesOf(head)) }
      : display === undefined
        ? {}
        : { display }),
    names: reply.names,
    progress,
    received,
    modules: reply.modules,
    stayed: reply.stayed,
    runtime: {
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
      hostname: hostname(),
      pid: process.pid,
      directory: process.cwd(),
    },
    startedAt,
    endedAt: Date.now(),
  };
  writeContainer(join(directory, ENVELOPE_FILE), envelope, reply.encoded.graph);
}

function sourcesOf({ cell, pack }: BundleHead): SourceOf {
  return (execution) => [cell, ...pack.cells].find((one) => one.execution === execution)?.source;
}

/** The program cannot tell whether the difference matters; the person may. */
function tellVersions({ pack }: BundleHead, packages: string | undefined, sink: OutputSink): void {
  const folder = packages === undefined ? pack.directory : join(packages, pack.directory);
  for (const notice of versionNotices(pack.versions ?? {}, folder)) sink.write({ type: 'stderr', text: `${notice}\n` });
}

/** What nobody caught is output of the cell, as it is at home, and ends nothing. */
function reportStrayErrors({ head }: Opened, sink: OutputSink): void {
  const sourceOf = sourcesOf(head);
  const report = (what: string, error: unknown): void => {
    sink.write({ type: 'stderr', text: `${what} ${plainTraceback(showError(error, sourceOf))}\n` });
  };
  process.on('uncaughtException', (error) => {
    report('Uncaught', error);
  });
  process.on('unhandledRejection', (reason) => {
    report('Unhandled rejection:', reason);
  });
}

/** The runner shows what a process said last; the exit code tells what kind of failure it was. */
function failed(error: unknown, what: string): number {
  const code = systemCode(error);
  const isDisk = code !== undefined && DISK_CODES.has(code);
  const isTold = error instanceof ProtocolError || error instanceof UnseenInput || isDisk;
  const detail = isTold ? messageOf(error) : inspect(error);
  // Straight to the descriptor: process.stderr is the cell's by now.
  writeSync(2, `${what}: ${detail}${code === 'ENOSPC' ? ' The disk is full.' : ''}\n`);
  return isDisk ? CELL_EXIT.diskError : CELL_EXIT.bundleUnreadable;
}

/** One line, as it comes; '' when the pipe is closed before there is one. */
function readLine(file: number): string {
  const chunk = Buffer.alloc(65_536);
  let line = '';
  for (;;) {
    const count = readSome(file, chunk);
    if (count === 0) return '';
    line += chunk.toString('utf8', 0, count);
    const end = line.indexOf('\n');
    if (end >= 0) return line.slice(0, end);
  }
}

function readSome(file: number, chunk: Buffer): number {
  try {
    return readSync(file, chunk);
  } catch (error) {
    // Nobody gave us a pipe, or it went away: there are no orders.
    if (systemCode(error) === 'EOF' || systemCode(error) === 'EBADF') return 0;
    throw error;
  }
}
