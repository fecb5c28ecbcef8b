// The notebook's namespace as the magics know it: requests to the user process.
import type { CaptureReport, CaptureRequest, Namespace, SettleReport, SettleRequest } from '../magics/namespace';
import type { Chore, ChoreName, Chores } from '../magics/protocol/chores';
import { CaptureError, ProtocolError, UsageError } from '../magics/protocol/errors';
import type { Refusal } from '../magics/protocol/errors';
import type { Call, Turn } from './pipe';
import { settles } from './patience';
import { CallFailed } from './pending';
import type { UserSeat } from './user-seat';

/** A program may take a second for its farewell, and what is left of it another one for its output. */
const LAST_RESORT_MILLISECONDS = 5_000;

/** `turn`: the cell that asks; an interrupt of it ends the walk. */
export function namespaceOf(user: UserSeat, turn: () => Turn): Namespace {
  const ask = async (call: Call, signal: AbortSignal): Promise<unknown> => {
    signal.throwIfAborted();
    const asked = turn();
    const answer = user.call(asked, call);
    const stop = () => {
      user.interrupt(asked);
      // What does not end by itself ends with its process, which then says so.
      void settles(answer, LAST_RESORT_MILLISECONDS).then((isSettled) => {
        if (!isSettled) user.kill();
      });
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      return await answer;
    } catch (error) {
      throw revived(error);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  };
  return {
    // Both ends are the same build: what the user process answers is what magics/namespace.ts says.
    capture: async (request: CaptureRequest, signal) =>
      (await ask({ method: 'capture', request }, signal)) as CaptureReport,
    settle: async (request: SettleRequest, signal) =>
      (await ask({ method: 'settle', request }, signal)) as SettleReport,
    forget: (captureId) => {
      user.call(turn(), { method: 'forget', captureId }).catch(() => {
        // The process is gone, and with it what was to be forgotten.
      });
    },
    chore: async <Name extends ChoreName>(name: Name, question: Chores[Name]['question'], signal: AbortSignal) => {
      const chore = { name, question } as Chore;
      return (await ask({ method: 'chore', chore }, signal)) as Chores[Name]['answer'];
    },
  };
}

/** Errors of ours get their class back, so that the magics can tell them apart. */
function revived(error: unknown): unknown {
  if (!(error instanceof CallFailed)) return error;
  const { refusals } = error.fields;
  if (error.name === 'CaptureError' && Array.isArray(refusals)) return new CaptureError(refusals as Refusal[]);
  if (error.name === 'ProtocolError') return new ProtocolError(error.message, { cause: error });
  return error.name === 'UsageError' ? new UsageError(error.message, { cause: error }) : error;
}
