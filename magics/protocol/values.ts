// The door to devalue: specs, records, control messages, errors and displays, where a person may read along.
// Values of a notebook go through graph.ts.
import * as devalue from 'devalue';
import { ProtocolError } from './errors';

export function stringify(value: unknown): string {
  return devalue.stringify(value);
}

/** Gives what the text holds; whoever calls checks its shape. */
export function parse(text: string): unknown {
  try {
    return devalue.parse(text) as unknown;
  } catch (cause) {
    throw new ProtocolError('A message does not decode.', { cause });
  }
}
