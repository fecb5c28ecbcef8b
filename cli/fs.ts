// `cellburst fs VERB …`: files of clusters from a terminal.
import { fsHelp, runFs } from '../magics/fs';
import type { Call } from './command';
import { EXIT } from './exit';
import { tellJson } from './jobs';
import { progressLine } from './progress';
import { withAgent } from './session';

const NAME = 'cellburst fs';

export async function fsCommand({ words, terminal }: Call): Promise<number> {
  const [verb] = words;
  if (verb === undefined || verb === 'help' || words.includes('--help') || words.includes('-h')) {
    terminal.out(`${fsHelp(NAME)}\n`);
    return verb === undefined ? EXIT.usage : EXIT.done;
  }
  let printed = '';
  const setting = {
    directory: process.cwd(),
    signal: terminal.signal,
    print: (text: string) => {
      if (terminal.json) printed += text;
      else terminal.out(text);
    },
    progress: (text: string, share?: number) => terminal.over(progressLine(text, share)),
  };
  const shown = await withAgent(terminal, (agent) => runFs(words, { agent, ...setting }, NAME));
  terminal.over('');
  const text = shown?.data['text/plain'];
  if (terminal.json) tellJson(shown?.value ?? { text: printed }, terminal);
  else if (typeof text === 'string') terminal.out(`${text}\n`);
  return EXIT.done;
}
