// The user process: its main thread belongs to the user's code. Requests come in on one pipe, output and answers leave on another by
// synchronous writes, and a tiny thread interrupts and watches over the end of the supervisor.
import { Socket } from 'node:net';
import { join } from 'node:path';
// Node's own, not the global one that knows of cells.
import { setImmediate } from 'node:timers';
import { getHeapStatistics } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { clusterHere } from '../../magics/files/cluster-module';
import { errorClasses } from '../../magics/protocol/error-classes';
import { functionsHere, installFunctions } from '../../magics/files/functions';
import { MAIN } from '../../magics/protocol/main-context';
import { isInterrupt, makePmap, markLocal, makeRegisterCodec, Realm } from '../../magics/realm';
import { hideHugePages } from '../../magics/protocol/huge-pages';
import { makeDisplayFunctions } from '../../magics/realm/display';
import { redirectStandardStreams } from '../../magics/realm/output';
import { showError } from '../../magics/realm/traceback';
import { versionOf } from '../versions';
import { LineReader, PIPES } from '../pipe';
import type { Request } from '../pipe';
import { Attribution } from './attribution';
import { Calls } from './calls';
import { Cells } from './cells';
import type * as ClusterApi from './cluster-api';
import { Comms } from './comms';
import { installFileCallbacks } from './file-callbacks';
import { attributedSink, FrameWriter } from './frames';
import { Input } from './input';
import { Prompt } from './prompt';
import { isUnwinding, Stopping } from './stopping';
import { installTimers } from './timers';

hideHugePages();
const frames = new FrameWriter();
const stopping = new Stopping((turn) => {
  attribution.interrupt(turn);
});
stopping.install();
const attribution = new Attribution();
installTimers(attribution);
installFileCallbacks(attribution);
const sink = attributedSink(frames, attribution);
redirectStandardStreams(sink);
const input = new Input(frames, attribution);
input.install();
const prompt = new Prompt(frames, attribution);
prompt.install();
const comms = new Comms(frames, attribution);
const display = makeDisplayFunctions(sink);
const realm: Realm = new Realm({
  directory: process.cwd(),
  text: 'local',
  virtualModules: {
    cellburst: {
      ...display,
      input: input.ask,
      openComm: comms.open,
      onComm: comms.serve,
      pmap: makePmap(() => realm, { sink }),
      local: markLocal,
      ...errorClasses,
      cluster: clusterHere(() => clusterApi().makeClusterApi(input.ask)),
      registerCodec: makeRegisterCodec(() => realm),
    },
    tslab: { display: display.display, newDisplay: display.newDisplay, versions: tslabVersions() },
  },
});
installFunctions(
  MAIN,
  functionsHere((message) => new MAIN.Error(message)),
);
const cells = new Cells(realm, stopping, attribution, input);
const calls = new Calls(realm, cells, stopping, attribution, (turn) => ({
  write: (record) => {
    frames.output(turn, record);
  },
}));

startInterruptThread();
reportStrayErrors();
process.on('exit', (code) => {
  frames.notice({ type: 'exit', code });
});
// A Ctrl-C in the terminal of Jupyter's server reaches the whole group; interrupts come by the pipe.
process.on('SIGINT', () => undefined);
readRequests();
frames.notice({ type: 'ready', heapLimitMiB: Math.round(getHeapStatistics().heap_size_limit / 1024 / 1024) });

/** Loaded when a cell asks for files of clusters: most never do. */
function clusterApi(): typeof ClusterApi {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- import() would want a suffix that the bundle has not
  return require('./cluster-api') as typeof ClusterApi;
}

function startInterruptThread(): void {
  const thread = new Worker(join(__dirname, 'interrupt.js'), {
    workerData: { answered: stopping.answered, prompt: prompt.end },
    transferList: [prompt.end.port],
    execArgv: [],
  });
  thread.on('message', (turn: number) => {
    stopping.hear(turn);
  });
  thread.unref();
}

function readRequests(): void {
  const lines = new LineReader();
  const pipe = new Socket({ fd: PIPES.requests, readable: true, writable: false });
  pipe.on('data', (chunk: Buffer) => {
    for (const line of lines.push(chunk)) serve(JSON.parse(line) as Request);
  });
  // The supervisor closes this pipe to end the process in an orderly way: exit handlers of the user's run.
  pipe.on('end', () => process.exit(0));
}

function serve(request: Request): void {
  switch (request.type) {
    case 'run':
      void cells.run(request.turn, request.code).then((report) => {
        // What the cell's last tick still prints, a rejection nobody handled for one, comes before its end.
        setImmediate(() => {
          frames.notice({ type: 'ran', turn: request.turn, report });
        });
      });
      return;
    case 'call':
      void calls.run(request.turn, request.call).then((report) => {
        frames.notice({ type: 'called', id: request.id, report });
      });
      return;
    case 'input':
      input.answer(request.turn, request.value);
      return;
    case 'comm':
      comms.receive(request.event);
      return;
    case 'input-refused':
      input.refuse(request.turn, request.reason);
  }
}

/** What tslab's own `versions` tells, of the packages beside us. */
function tslabVersions(): Readonly<Record<string, string>> {
  return { tslab: versionOf('tslab'), typescript: versionOf('typescript'), node: process.version };
}

/** What nobody caught is shown in the cell it belongs to, and never ends the process. */
function reportStrayErrors(): void {
  const report = (what: string, error: unknown) => {
    if (isUnwinding(error) || isInterrupt(error)) return;
    sink.write({ type: 'stderr', text: `${what} ${showError(error, cells.sourceOf).traceback.join('\n')}\n` });
  };
  process.on('uncaughtException', (error) => {
    report('Uncaught', error);
  });
  process.on('unhandledRejection', (reason) => {
    report('Unhandled rejection:', reason);
  });
}
