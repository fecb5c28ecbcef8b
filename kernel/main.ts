// The kernel as Jupyter starts it: `node dist/kernel.js {connection_file}`. Starts the compiler's thread and the user's process first of all, since
// the first cell waits for them, and loads the rest (serve.ts) while they come up.
import { join } from 'node:path';
import { Language } from '../language';
import { JAVASCRIPT_FLAG } from './flags';
import { openLog } from './log';
import { isMonitorSession } from './monitor-session';
import { UserSeat } from './user-seat';
import { readConnection } from './wire/connection';

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const isJS = args.includes(JAVASCRIPT_FLAG);
  const connectionFile = args.find((arg) => !arg.startsWith('--'));
  if (connectionFile === undefined)
    throw new Error('No connection file given. Jupyter starts this program as `node kernel.js {connection_file}`.');
  const connection = readConnection(connectionFile);
  const directory = process.cwd();
  const notebook = process.env['JPY_SESSION_NAME'];
  const log = openLog();
  // A kernel that serves job panels runs cells only if somebody asks it to.
  const isLazy = isMonitorSession(notebook);
  const language = new Language({
    directory,
    isJS,
    isLazy,
    onRestart: (reason) => {
      log.write('the language worker was started anew', reason);
    },
  });
  const user = new UserSeat(join(__dirname, 'user.js'), directory, log);
  if (!isLazy) user.warm();
  const { serve } = await import('./serve.js');
  await serve({ connection, directory, notebook, isJS, log, language, user });
}

main().catch((error: unknown) => {
  process.stderr.write(`cellburst: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
