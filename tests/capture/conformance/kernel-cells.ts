// Cells of a real kernel, and what people see of them.
import { stripVTControlCharacters } from 'node:util';
import type { CellResult, KernelClient } from '../../kernel/client';

/** The text of a cell's value; throws when the cell fails. */
export async function valueOf(kernel: KernelClient, source: string): Promise<string | undefined> {
  return textOf(errorless(await kernel.execute(source)));
}

/** Sends a cell on its way; gives the id of its job. */
export async function detach(kernel: KernelClient, source: string): Promise<string> {
  const detached = errorless(await kernel.execute(`%%cluster --detach\n${source}`));
  const id = /%cluster attach (\w+)/.exec(shown(detached))?.[1];
  if (id === undefined) throw new Error('A detached cell does not say how to attach its job.');
  return id;
}

export async function attach(kernel: KernelClient, id: string): Promise<CellResult> {
  return errorless(await kernel.execute(`%cluster attach ${id}`));
}

export function errorless(result: CellResult): CellResult {
  if (result.reply['status'] === 'ok') return result;
  throw new Error(`The cell failed: ${JSON.stringify(result.reply, undefined, 1)}`);
}

export function textOf({ result }: CellResult): string | undefined {
  const text = plainText(result?.['data']);
  return typeof text === 'string' ? text : undefined;
}

/** All that a cell shows, as text. */
export function shown({ messages }: CellResult): string {
  const texts = messages.map(({ content }) => textIn(content['text'] ?? plainText(content['data'])));
  return stripVTControlCharacters(texts.join('\n'));
}

function plainText(data: unknown): unknown {
  return typeof data === 'object' && data !== null ? Reflect.get(data, 'text/plain') : undefined;
}

/** Of a cell that failed: lines without colours. */
export function tracebackOf({ reply }: CellResult): string[] {
  const traceback = reply['traceback'];
  if (!Array.isArray(traceback)) throw new Error(`The cell should have failed: ${JSON.stringify(reply)}`);
  return stripVTControlCharacters(traceback.join('\n')).split('\n');
}

function textIn(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
