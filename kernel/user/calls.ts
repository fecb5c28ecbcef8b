// Requests to the user process that are no cells: what magics/namespace.ts asks of the notebook. They can be interrupted as cells can.
import { ClusterError } from '../../magics/protocol/errors';
import { captureCell, forgetCapture, settleCell } from '../../magics/capture';
import { isInterrupt } from '../../magics/realm';
import type { Realm } from '../../magics/realm';
import type { Call, CallReport, Turn } from '../pipe';
import type { OutputSink } from '../../magics/realm/output';
import type { Attribution } from './attribution';
import type { Cells } from './cells';
import { doChore } from './chores';
import type { Stopping } from './stopping';

export class Calls {
  readonly #realm: Realm;
  readonly #cells: Cells;
  readonly #stopping: Stopping;
  readonly #attribution: Attribution;
  readonly #sinkOf: (turn: Turn) => OutputSink;

  constructor(
    realm: Realm,
    cells: Cells,
    stopping: Stopping,
    attribution: Attribution,
    sinkOf: (turn: Turn) => OutputSink,
  ) {
    this.#realm = realm;
    this.#cells = cells;
    this.#stopping = stopping;
    this.#attribution = attribution;
    this.#sinkOf = sinkOf;
  }

  async run(turn: Turn, call: Call): Promise<CallReport> {
    try {
      const controller = new AbortController();
      const value = await this.#stopping.run(turn, controller, () =>
        this.#attribution.run(turn, () => this.#answer(turn, call, controller.signal)),
      );
      return { ok: true, value: value ?? null };
    } catch (error) {
      return { ok: false, error: failureOf(error) };
    }
  }

  async #answer(turn: Turn, call: Call, signal: AbortSignal): Promise<unknown> {
    switch (call.method) {
      case 'capture':
        this.#cells.remember(call.request.cell);
        return captureCell(this.#realm, call.request);
      case 'settle': {
        const report = await settleCell(this.#realm, call.request);
        this.#cells.remember(report.cell);
        return report;
      }
      case 'forget':
        forgetCapture(this.#realm, call.captureId);
        return undefined;
      case 'chore':
        return doChore(call.chore, { realm: this.#realm, sink: this.#sinkOf(turn), signal });
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
