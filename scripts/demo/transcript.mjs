// A notebook in a terminal, for the demo: its text and its cells, framed, around what `cellburst run` shows of cells.
import { load } from '../load.mjs';

export async function openTranscript() {
  const { openTerminal } = await load('cli/terminal.ts');
  const { Transcript } = await load('cli/transcript.ts');
  const { toCellOutput } = await load('kernel/client/outputs.ts');
  const terminal = openTerminal(false);
  const { out, paint } = terminal;
  // What goes wrong is part of what is shown.
  const cells = new Transcript({ ...terminal, err: out }, process.stderr.isTTY);
  return {
    /** @param {string} source */
    markdown: (source) => out(`\n${source.trim()}\n`),
    /** @param {string} source */
    source: (source) => {
      const lines = source.trimEnd().split('\n');
      out(`\n${lines.map((line) => `${paint('dim', '▌')} ${paint('bold', line)}`).join('\n')}\n`);
    },
    /** @param {import('@jupyterlab/services').KernelMessage.IIOPubMessage} message */
    output: ({ header, content }) => {
      const output = toCellOutput(header.msg_type, content);
      if (output !== undefined) cells.show(output);
    },
    /** After a cell. */
    end: () => cells.end(),
  };
}
