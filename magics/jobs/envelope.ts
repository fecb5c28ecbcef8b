// The one thing a scheduler side needs of an envelope: that it can be read, and how the cell ended.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../protocol/errors';
import { ENVELOPE_FILE } from '../protocol/layout';
import { oneOf, parseJson, record } from '../protocol/shape';

const head = record({ outcome: oneOf(['value', 'error']) });

/** undefined: there is none. */
export function readEnvelope(
  directory: string,
): { readonly outcome: 'value' | 'error' } | { readonly problem: string } | undefined {
  const path = join(directory, ENVELOPE_FILE);
  if (!existsSync(path)) return undefined;
  try {
    return parseJson(readFileSync(path, 'utf8'), head, path);
  } catch (error) {
    return { problem: messageOf(error) };
  }
}
