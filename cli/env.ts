// `cellburst env [diff NAME | lock]`: what notebooks of this folder run with.
import { runEnv } from '../magics/environment-shown';
import { findMagic } from '../magics/line';
import { UsageError } from '../magics/protocol/errors';
import type { Call } from './command';
import { EXIT } from './exit';
import { tellJson } from './jobs';
import { folderSession, withAgent } from './session';

export async function env({ words, terminal }: Call): Promise<number> {
  const session = folderSession();
  const [verb, name] = words;
  if (verb === 'lock' && name !== undefined) throw new UsageError('`cellburst env lock` takes nothing more.');
  if (name !== undefined && !session.clusters.includes(name))
    throw new UsageError(`There is no cluster ${JSON.stringify(name)}. Known: ${session.clusters.join(', ')}.`);
  // The same words as behind the magic, and so the same reading.
  const line = findMagic(['%cluster env', ...words].join(' '));
  if (line === undefined) throw new TypeError('A magic line of ours is none.');
  const at = { words: line.words.slice(1), line, session };
  const shown =
    verb === 'diff'
      ? await withAgent(terminal, (agent) => runEnv({ ...at, agent: () => Promise.resolve(agent) }))
      : await runEnv({ ...at, agent: () => Promise.reject(new TypeError('Nobody is asked.')) });
  const text = shown.data['text/plain'];
  if (terminal.json) tellJson(shown.value, terminal);
  else terminal.out(`${typeof text === 'string' ? text.replaceAll('%cluster env', 'cellburst env') : ''}\n`);
  return EXIT.done;
}
