// Requests to the user process that are no cells: what magics/namespace.ts asks of the notebook. They can be interrupted as cells can.
import { ClusterError } from '../../magics/protocol/errors';
import { isInterrupt } from '../../magics/realm';
import type { CallReport, Turn } from '../pipe';
import type { Stopping } from './stopping';

export type Call = (body: unknown) => unknown;

export class Calls {
  readonly #methods: Readonly<Record<string, Call>>;
  readonly #stopping: Stopping;

  constructor(methods: Readonly<Record<string, Call>>, stopping: Stopping) {
    this.#methods = methods;
    this.#stopping = stopping;
  }

  async run(turn: Turn, method: string, body: unknown): Promise<CallReport> {
    try {
      const call = this.#methods[method];
      if (!call) throw new Error(`The user process knows no call of the name ${method}.`);
      const value = await this.#stopping.run(turn, new AbortController(), () => Promise.resolve(call(body)));
      return { ok: true, value: value ?? null };
    } catch (error) {
      return { ok: false, error: failureOf(error) };
    }
  }
}

/** Name, message and own fields: enough to make errors of ours again on the other side. */
function failureOf(error: unknown): { name: string; message: string; fields: Record<string, unknown> } {
  if (isInterrupt(error)) return { name: 'KeyboardInterrupt', message: 'The cell was interrupted.', fields: {} };
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), fields: {} };
  const fields = Object.fromEntries(Object.entries(error).filter(([key]) => key !== 'name' && key !== 'message'));
  // A mistake of ours: the log wants to know where.
  if (!ClusterError.is(error)) fields['stack'] = error.stack;
  return { name: error.name, message: error.message, fields };
}
