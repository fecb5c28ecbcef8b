// A host that answers and does not become ours: at which step it failed.
import { TransportError } from '../protocol/errors';

export type AdmissionStep = 'reach' | 'host key' | 'login';

export class AdmissionError extends TransportError {
  readonly step: Exclude<AdmissionStep, 'reach'>;

  constructor(step: AdmissionError['step'], message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.step = step;
  }
}

/** In the words of ssh(1). */
export function stepOf(said: string): AdmissionStep {
  if (/host key|REMOTE HOST IDENTIFICATION/i.test(said)) return 'host key';
  return /permission denied|too many authentication failures|no supported authentication/i.test(said)
    ? 'login'
    : 'reach';
}
