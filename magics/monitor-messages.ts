// Reads what a panel sends. A panel of a newer version may say more than we know: that is left out, not refused.
import { ClusterError } from './protocol/errors';
import type { PanelMessage } from './protocol/monitor';
import { count, isObject, literal, number, oneOf, record, tagged, text, type Shape } from './protocol/shape';

const CASES = {
  snapshot: record({ type: literal('snapshot') }),
  pong: record({ type: literal('pong') }),
  follow: record({ type: literal('follow'), job: text, from: count, tailBytes: count }),
  unfollow: record({ type: literal('unfollow'), job: text }),
  action: record(
    { type: literal('action'), request: text, action: oneOf(['cancel', 'retry', 'remove', 'attach']), job: text },
    { resources: record({}, { cores: count, memoryMiB: number, wallTimeSeconds: number }) },
  ),
} as const;
const panelMessage: Shape<PanelMessage> = tagged('type', CASES);

/** A text: why the message cannot be read. Undefined: a message of a kind we do not know. */
export function parsePanelMessage(value: unknown): PanelMessage | string | undefined {
  const type = isObject(value) ? value['type'] : undefined;
  if (typeof type === 'string' && !Object.hasOwn(CASES, type)) return undefined;
  try {
    return panelMessage(value, 'a message of the panel');
  } catch (error) {
    if (ClusterError.is(error)) return error.message;
    throw error;
  }
}
