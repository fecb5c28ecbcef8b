// An error in words, for a panel.
import { ClusterError } from './protocol/errors';

export function reasonOf(error: unknown): string {
  if (ClusterError.is(error)) return error.message;
  return error instanceof Error ? error.message : String(error);
}
