// A thread of `pmap`: opens what it is given, maps the items it is told to, one after the other.
import { parentPort } from 'node:worker_threads';
import { clusterElsewhere } from '../files/cluster-module';
import { errorClasses } from '../protocol/error-classes';
import { functionsHere, functionsThere, installFunctions, keptPlace } from '../files/functions';
import { encodeGraph } from '../protocol/graph';
import type { Encoded, Numbered } from '../protocol/graph';
import { memoryBlobs } from '../protocol/graph-blobs';
import { CaptureError } from '../protocol/errors';
import { MAIN } from '../protocol/main-context';
import { readWanted } from '../realm/builtin-codecs';
import { makeRegisterCodec } from '../realm/codecs';
import { SEED_VARIABLE } from '../protocol/run';
import { openPack } from '../realm/bundle';
import { Describer } from '../realm/describing';
import { makeDisplayFunctions } from '../realm/display';
import { frontEndElsewhere, installQuestions } from '../realm/front-end';
import { BundledSources } from '../realm/local-sources';
import { redirectStandardStreams } from '../realm/output';
import type { OutputSink } from '../realm/output';
import { markLocal } from '../realm/local-marks';
import type { FromThread, ToThread } from '../realm/pmap-messages';
import type { Mapper } from '../realm/pmap';
import { seedRandom } from '../realm/random';
import { Realm } from '../realm/realm';
import { recallResolutions } from './resolutions';

interface Work {
  readonly realm: Realm;
  readonly objects: readonly Numbered[];
  readonly f: Mapper;
  readonly items: readonly unknown[];
}

const port = parentPort;
if (port === null) throw new Error('This program is a thread of pmap and does not run by itself.');
const send = (message: FromThread): void => {
  port.postMessage(message);
};
const sink: OutputSink = {
  write: (record) => {
    send({ type: 'output', record });
  },
};
keepStandardStreams();

/** Node asks a thread's standard streams for more by a method of its own, which their replacements must have as well. */
function keepStandardStreams(): void {
  const before = { stdout: process.stdout, stderr: process.stderr };
  redirectStandardStreams(sink);
  for (const name of ['stdout', 'stderr'] as const) {
    const original = before[name];
    for (let p: object | null = original; p !== null; p = Reflect.getPrototypeOf(p)) {
      for (const key of Object.getOwnPropertySymbols(p)) {
        if (key.description !== 'kStdioWantsMoreDataCallback') continue;
        Object.defineProperty(process[name], key, { value: () => undefined });
      }
    }
  }
}

const place = keptPlace();
const newError = (message: string): Error => new MAIN.Error(message);
installFunctions(MAIN, place === undefined ? functionsHere(newError) : functionsThere(place, newError));
const frontEnd = frontEndElsewhere(newError);
installQuestions(MAIN, frontEnd);

let work: Work | undefined;
port.on('message', (message: ToThread) => {
  void (message.type === 'open' ? open(message) : map(message.from, message.to));
});

async function open({ pack, graph, packages }: ToThread & { type: 'open' }): Promise<void> {
  if (packages !== undefined) recallResolutions(packages);
  const display = makeDisplayFunctions(sink);
  const realm: Realm = new Realm({
    directory: pack.directory,
    text: 'shipped',
    ...(packages === undefined ? {} : { packages }),
    virtualModules: {
      cellburst: {
        ...frontEnd,
        ...display,
        pmap: mapHere,
        local: markLocal,
        ...errorClasses,
        cluster: clusterElsewhere(newError),
        registerCodec: makeRegisterCodec(() => realm),
      },
      tslab: { display: display.display, newDisplay: display.newDisplay, versions: { node: process.version } },
    },
    sources: new BundledSources(pack.files, pack.links),
  });
  try {
    const { values, objects } = await openPack(realm, pack, { ...graph, blobs: memoryBlobs(graph.blobs) });
    const [f, items] = values;
    work = { realm, objects, f: f as Mapper, items: items as unknown[] };
    send({ type: 'opened' });
  } catch (error) {
    // No numbers are shared yet, so the error goes as a bare message.
    fail(realm, [], error, undefined);
  }
}

async function map(from: number, to: number): Promise<void> {
  if (work === undefined) return;
  const { realm, objects, f, items } = work;
  const seed = process.env[SEED_VARIABLE];
  const results: unknown[] = [];
  for (let index = from; index < to; index++) {
    // By item: which thread takes which is chance.
    if (seed !== undefined) seedRandom(Number(seed), index + 1);
    try {
      results.push(await f(items[index], index));
    } catch (error) {
      fail(realm, objects, error, index);
      return;
    }
  }
  const encodeResults = (): Encoded => encode(realm, objects, results, (index) => `the result of item ${from + index}`);
  let encoded = encodeResults();
  while (await readWanted()) encoded = encodeResults();
  if (encoded.refusals.length > 0) fail(realm, objects, refusalOf(encoded), undefined);
  else send({ type: 'mapped', from, graph: encoded.graph });
}

function fail(realm: Realm, objects: readonly Numbered[], error: unknown, index: number | undefined): void {
  const encoded = encode(realm, objects, [error], () => 'the error');
  const sent =
    encoded.refusals.length === 0
      ? encoded
      : encode(realm, objects, [new MAIN.Error(describeLoosely(error))], () => 'the error');
  send({ type: 'failed', ...(index === undefined ? {} : { index }), graph: sent.graph });
}

function refusalOf(encoded: Encoded): Error {
  return new MAIN.Error(new CaptureError(encoded.refusals).message);
}

/** An error that cannot travel itself leaves its name and message. */
function describeLoosely(error: unknown): string {
  return error instanceof MAIN.Error ? `${error.name}: ${error.message}` : 'something was thrown that cannot travel';
}

function encode(
  realm: Realm,
  objects: readonly Numbered[],
  roots: readonly unknown[],
  nameOf: (index: number) => string,
): Encoded {
  const describer = new Describer(realm, () => undefined, { isReply: true });
  try {
    const rootNames = roots.map((_, index) => nameOf(index));
    return encodeGraph({ roots, rootNames, hooks: describer, known: { objects, changed: [], changedBytes: () => [] } });
  } finally {
    describer.close();
  }
}

/** A pmap inside a pmap: the cores are busy already. */
async function mapHere(items: Iterable<unknown>, f: Mapper): Promise<unknown[]> {
  const results: unknown[] = new MAIN.Array();
  for (const item of items) results.push(await f(item, results.length));
  return results;
}
