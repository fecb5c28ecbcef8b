// Reads what a panel sends. A panel of a newer version may say more than we know: that is left out, not refused.
import { ClusterError } from './protocol/errors';
import type { ClusterEntryValues, ConfigAsk, EntryValue, PanelMessage } from './protocol/monitor';
import {
  count,
  flag,
  isObject,
  literal,
  mapOf,
  number,
  oneOf,
  record,
  tagged,
  text,
  type Shape,
} from './protocol/shape';

/** Its meaning is checked by the schema of the config. */
const entryValue: Shape<EntryValue> = (value, path) => {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map((item, index) => entryValue(item, `${path}[${index}]`));
  return mapOf(entryValue)(value, path);
};
const entry: Shape<ClusterEntryValues> = mapOf(entryValue);

/** What a config file says, as a panel gets it. */
export function entriesOf(clusters: unknown): Readonly<Record<string, ClusterEntryValues>> {
  return mapOf(entry)(clusters, 'clusters');
}

const configAsk: Shape<ConfigAsk> = tagged('ask', {
  read: record({ ask: literal('read') }),
  save: record({ ask: literal('save'), name: text, entry }, { was: text }),
  remove: record({ ask: literal('remove'), name: text }),
  default: record({ ask: literal('default'), name: text }),
});

const CASES = {
  snapshot: record({ type: literal('snapshot') }),
  pong: record({ type: literal('pong') }),
  attend: record({ type: literal('attend'), isThere: flag }),
  reply: record({ type: literal('reply'), id: count }, { text }),
  clusters: record({ type: literal('clusters') }),
  measure: record({ type: literal('measure'), job: text }),
  unmeasure: record({ type: literal('unmeasure'), job: text }),
  config: record({ type: literal('config'), request: text, config: configAsk }),
  examine: record({
    type: literal('examine'),
    request: text,
    cluster: text,
    what: oneOf(['reach', 'job', 'all']),
  }),
  stop: record({ type: literal('stop'), request: text }),
  follow: record({ type: literal('follow'), job: text, from: count, tailBytes: count }),
  unfollow: record({ type: literal('unfollow'), job: text }),
  action: record(
    {
      type: literal('action'),
      request: text,
      action: oneOf(['cancel', 'retry', 'remove', 'attach', 'hold', 'release', 'script']),
      job: text,
    },
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
