// The door to devalue: specs, records, control messages, errors and displays, where a person may read along.
// Values of a notebook go through graph.ts.
import * as devalue from 'devalue';
import { ProtocolError } from './errors';

// devalue asks it of every text (ECMA-262 2024), and Node 18 has none. Only lone surrogates match a surrogate under the flag u.
if (!('isWellFormed' in String.prototype))
  Object.defineProperty(String.prototype, 'isWellFormed', {
    value(this: string) {
      return !/\p{Surrogate}/u.test(this);
    },
    writable: true,
    configurable: true,
  });

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
