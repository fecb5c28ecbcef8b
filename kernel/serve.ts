// Puts the parts of the kernel together, serves until it is asked to end, and ends in order.
import { join } from 'node:path';
import type { Language } from '../language';
import type { NotebookSession } from '../magics/namespace';
import { stateDirectory } from '../magics/protocol/platform';
import { Comms } from './comms';
import { Executions } from './executions';
import { History } from './history';
import { Kernel } from './kernel';
import type { Log } from './log';
import { LazyMagics } from './magics';
import { NOTEBOOK_TARGET } from '../magics/protocol/monitor';
import { monitorTargets } from './monitor';
import { namespaceOf } from './namespace';
import { notebookTarget } from './notebook-target';
import { PARENT_VARIABLE } from './parent';
import { settles } from './patience';
import { UserComms } from './user-comms';
import type { UserSeat } from './user-seat';
import type { Connection } from './wire/connection';
import { Wire } from './wire/wire';

export interface ServeOptions {
  readonly connection: Connection;
  /** Where Jupyter started us: the notebook's folder. */
  readonly directory: string;
  readonly notebook: string | undefined;
  readonly isJS: boolean;
  readonly log: Log;
  readonly language: Language;
  readonly user: UserSeat;
}

const PARENT_CHECK_MILLISECONDS = 1_000;
/** What is left to do at the end may take so long. */
const FAREWELL_MILLISECONDS = 500;

export async function serve(options: ServeOptions): Promise<void> {
  const { connection, directory, notebook, isJS, log, language, user } = options;
  process.on('uncaughtException', (error) => {
    log.write('an error nobody caught', error);
  });
  process.on('unhandledRejection', (reason) => {
    log.write('a rejection nobody handled', reason);
  });
  const wire = await Wire.open(connection, log);
  const history = new History(join(stateDirectory(), 'history'), log);
  const publish = wire.publish.bind(wire);
  const userComms = new UserComms({
    forward: (event) => {
      user.comm(event);
    },
    publish,
  });
  const namespace = namespaceOf(user, () => executions.turn);
  const session: NotebookSession = {
    namespace,
    language,
    directory,
    restart: (heapMiB) => user.restart([`--max-old-space-size=${heapMiB}`]),
    logFile: log.path,
    ...(notebook ? { notebook } : {}),
  };
  const magics = new LazyMagics(session, log);
  const targets = {
    ...monitorTargets,
    [NOTEBOOK_TARGET]: notebookTarget((cluster) => {
      magics.prefer(cluster);
    }),
  };
  const comms = new Comms({ targets, user: userComms, publish, log });
  const executions: Executions = new Executions({ wire, user, language, history, magics, log });
  let ending: Promise<void> | undefined;
  user.listen({
    output: (turn, record) => {
      executions.output(turn, record);
    },
    input: (question) => {
      executions.input(question);
    },
    comm: (turn, event) => {
      void userComms.send(event, executions.requestOf(turn));
    },
    commTarget: (target) => {
      userComms.addTarget(target);
    },
    ended: (end) => {
      if (ending) return;
      log.write(`the user process ended: ${JSON.stringify(end)}`);
      language.reset().catch((error: unknown) => {
        log.write('the language could not be reset', error);
      });
      void userComms.lose();
      executions.processEnded(end);
    },
  });
  const shutdown = () => {
    ending ??= (async () => {
      const answered = executions.end();
      await user.close();
      // Whatever a cell still waits for: its client has been told that the kernel ends.
      await settles(answered, FAREWELL_MILLISECONDS);
      const [isWritten] = await Promise.all([
        history.close(),
        language.close(),
        comms.closeAll(),
        magics[Symbol.asyncDispose](),
      ]);
      await wire.close();
      const isLogged = await settles(log.close(), FAREWELL_MILLISECONDS);
      // A thread that waits for a disk would hold up an ordinary exit for ever.
      if (!isWritten || !isLogged) process.kill(process.pid, 'SIGKILL');
      process.exit(0);
    })();
  };
  process.on('SIGTERM', shutdown);
  // For clients that interrupt by signal although our kernelspec says: by message.
  process.on('SIGINT', () => {
    executions.interrupt();
  });
  endWithParent(shutdown);
  await new Kernel({ wire, connection, isJS, executions, language, magics, history, comms, log, shutdown }).serve();
}

/** When whoever started us was killed, nobody would ever shut us down. */
function endWithParent(shutdown: () => void): void {
  const parent = process.ppid;
  if (process.env[PARENT_VARIABLE] !== String(parent)) return;
  setInterval(() => {
    if (process.ppid !== parent) shutdown();
  }, PARENT_CHECK_MILLISECONDS).unref();
}
