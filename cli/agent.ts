// `cellburst agent status | stop`. Neither starts an agent.
import { connectAgent, type AgentConnection } from '../magics/client';
import { AgentError } from '../magics/protocol/errors';
import type { Call } from './command';
import { EXIT } from './exit';
import { tellJson } from './jobs';
import { agentLines } from './show';

/** The agent that runs, or why there is none. */
export async function runningAgent(): Promise<AgentConnection | AgentError> {
  try {
    return await connectAgent({ isPassive: true });
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
}

export async function agentCommand({ words, terminal }: Call): Promise<number> {
  const stop = words[0] === 'stop';
  const found = await runningAgent();
  if (found instanceof AgentError) {
    if (terminal.json) tellJson(null, terminal);
    else terminal.err(`${found.message}\n`);
    return stop ? EXIT.done : EXIT.failed;
  }
  await using connection = found;
  const status = await connection.status();
  if (stop) await connection.finish();
  if (terminal.json) tellJson(status, terminal);
  else if (stop)
    terminal.err(`The agent ends. ${status.jobs.running + status.jobs.queued} jobs go on or wait for the next one.\n`);
  else terminal.out(`${agentLines(status, Date.now())}\n`);
  return EXIT.done;
}
