// The kernel as Jupyter starts it: `node dist/kernel.js {connection_file}`. Sockets and supervision; the user's code runs in a child process, the
// compiler in a thread, both started ahead of need.
import { join } from 'node:path';
import { Language } from '../language';
import { Magics } from '../magics';
import type { NotebookSession } from '../magics/namespace';
import { Comms } from './comms';
import { Executions } from './executions';
import { History } from './history';
import { Kernel } from './kernel';
import { openLog } from './log';
import { isMonitorSession, monitorTargets } from './monitor';
import { namespaceOf } from './namespace';
import { UserSeat } from './user-seat';
import { readConnection } from './wire/connection';
import { Wire } from './wire/wire';

const PARENT_CHECK_MILLISECONDS = 1_000;

async function main(): Promise<void> {
  const [connectionFile] = process.argv.slice(2);
  if (connectionFile === undefined)
    throw new Error('No connection file given. Jupyter starts this program as `node kernel.js {connection_file}`.');
  const connection = readConnection(connectionFile);
  const directory = process.cwd();
  const log = openLog();
  const user = new UserSeat(join(__dirname, 'user.js'), directory, log);
  const notebook = process.env['JPY_SESSION_NAME'];
  // First of all: it starts while we bind our sockets. A kernel that serves job panels runs cells only if somebody asks it to.
  const isLazy = isMonitorSession(notebook);
  if (!isLazy) user.warm();
  const wire = await Wire.open(connection, log);
  const language = new Language({
    directory,
    isLazy,
    onRestart: (reason) => {
      log.write('the language worker was started anew', reason);
    },
  });
  const history = new History();
  const comms = new Comms({ targets: monitorTargets, publish: wire.publish.bind(wire), log });
  const session: NotebookSession = {
    namespace: namespaceOf(user, () => executions.turn),
    language,
    directory,
    ...(notebook ? { notebook } : {}),
  };
  const magics = new Magics(session);
  const executions: Executions = new Executions({ wire, user, language, history, magics, log });
  user.listen({
    output: (turn, record) => {
      executions.output(turn, record);
    },
    input: (turn, prompt, password) => {
      executions.input(turn, prompt, password);
    },
    ended: (end) => {
      log.write(`the user process ended: ${JSON.stringify(end)}`);
      language.reset().catch((error: unknown) => {
        log.write('the language could not be reset', error);
      });
      executions.processEnded(end);
    },
  });

  let ending: Promise<void> | undefined;
  const shutdown = () => {
    ending ??= (async () => {
      await Promise.all([user.close(), language.close(), comms.closeAll(), magics[Symbol.asyncDispose]()]);
      await wire.close();
      process.exit(0);
    })();
  };
  process.on('SIGTERM', shutdown);
  // For clients that interrupt by signal although our kernelspec says: by message.
  process.on('SIGINT', () => {
    executions.interrupt();
  });
  process.on('uncaughtException', (error) => {
    log.write('an error nobody caught', error);
  });
  process.on('unhandledRejection', (reason) => {
    log.write('a rejection nobody handled', reason);
  });
  endWithParent(shutdown);
  await new Kernel({ wire, connection, executions, language, magics, history, comms, log, shutdown }).serve();
}

/** Jupyter's server names itself in JPY_PARENT_PID; when it was killed, nobody would ever shut us down. */
function endWithParent(shutdown: () => void): void {
  const parent = process.ppid;
  if (process.env['JPY_PARENT_PID'] !== String(parent)) return;
  setInterval(() => {
    if (process.ppid !== parent) shutdown();
  }, PARENT_CHECK_MILLISECONDS).unref();
}

main().catch((error: unknown) => {
  process.stderr.write(`cellburst: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
