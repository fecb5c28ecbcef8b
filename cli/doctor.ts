// `cellburst doctor [NAME]`: the doctor of notebooks, asked through a kernel of its own, so that kernel and compiler are looked at as well.
import { KernelClient, type CellOutput } from '../kernel/client';
import { UsageError } from '../magics/protocol/errors';
import { finding, FINDINGS_MIME } from '../magics/protocol/finding';
import { listOf, record } from '../magics/protocol/shape';
import type { Call } from './command';
import { EXIT } from './exit';
import { tellJson } from './jobs';
import { folderSession } from './session';

const found = record({ findings: listOf(finding) });

export async function doctor({ words, terminal }: Call): Promise<number> {
  const cluster = words[0] ?? 'local';
  const { clusters } = folderSession();
  if (!clusters.includes(cluster))
    throw new UsageError(`There is no cluster ${JSON.stringify(cluster)}. Known: ${clusters.join(', ')}.`);
  terminal.over('Looking …');
  await using kernel = await KernelClient.start({ directory: process.cwd() });
  const release = terminal.onInterrupt(() => kernel.interrupt());
  const results: Extract<CellOutput, { type: 'result' }>[] = [];
  const end = await kernel.run({
    source: `%cluster doctor ${cluster}`,
    output: (output) => {
      if (output.type === 'result') results.push(output);
      if (output.type === 'display') terminal.over(textOf(output.data).replaceAll('\n', ' '));
    },
    ...(terminal.ask === undefined ? {} : { ask: terminal.ask }),
  });
  release();
  terminal.over('');
  const [result] = results;
  if (result === undefined) {
    terminal.err(`${end.error?.message ?? 'The doctor said nothing.'}\n`);
    return end.error?.name === 'KeyboardInterrupt' ? EXIT.interrupted : EXIT.failed;
  }
  const { findings } = found(result.data[FINDINGS_MIME], FINDINGS_MIME);
  if (terminal.json) tellJson(result.data[FINDINGS_MIME], terminal);
  else terminal.out(`${textOf(result.data)}\n`);
  return findings.every(({ verdict }) => verdict === 'fine') ? EXIT.done : EXIT.failed;
}

function textOf(data: Readonly<Record<string, unknown>>): string {
  const text = data['text/plain'];
  return typeof text === 'string' ? text : '';
}
