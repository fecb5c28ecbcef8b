// The one thing the side of the jobs needs of an envelope: that it can be read, and how the cell ended.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readHead } from '../protocol/container';
import { envelopeHead } from '../protocol/envelope';
import { messageOf } from '../protocol/errors';
import { ENVELOPE_FILE } from '../protocol/layout';

/** undefined: there is none. */
export function readEnvelope(
  directory: string,
): { readonly outcome: 'value' | 'error' } | { readonly problem: string } | undefined {
  const path = join(directory, ENVELOPE_FILE);
  if (!existsSync(path)) return undefined;
  try {
    return { outcome: envelopeHead(readHead(path), path).outcome };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}
