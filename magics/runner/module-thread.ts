// The program of a worker thread that a cell has started on a local module: makes what the user gave to the thread the thread's, then loads the module.
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { workerData } from 'node:worker_threads';
import { makeDisplayFunctions } from '../realm/display';
import { openSources } from '../realm/local-sources';
import { Realm } from '../realm/realm';
import type { ThreadStart } from '../realm/threads';

// Written by realm/threads.ts of the same build.
const start = workerData as ThreadStart;
Object.assign(createRequire(__filename)('node:worker_threads') as object, { workerData: start.workerData });
syncBuiltinESMExports();
process.argv[1] = start.path;

/** A thread has no place of its own in the notebook: what it displays is shown as text. */
const display = makeDisplayFunctions({
  write: (record) => {
    const text = record.type === 'display' ? record.data['text/plain'] : undefined;
    if (typeof text === 'string') process.stdout.write(`${text}\n`);
  },
});
const { directory, packages, missingAdvice } = start;
const realm = new Realm({
  directory,
  ...(packages === undefined ? {} : { packages }),
  ...(missingAdvice === undefined ? {} : { missingAdvice }),
  text: 'shipped',
  virtualModules: {
    cellburst: { ...display },
    tslab: { display: display.display, newDisplay: display.newDisplay, versions: { node: process.version } },
  },
  sources: openSources(start.sources),
});
// A rejection is the thread's error, as it is of a module that Node loads.
void realm.modules.load(start.path);
