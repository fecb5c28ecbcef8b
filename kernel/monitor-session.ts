// Was this kernel started for job panels alone? Asked before anything heavy is loaded, so apart from the panels themselves.
import { basename } from 'node:path';
import { MONITOR_SESSION } from '../magics/protocol/monitor';

/** Jupyter's server tells the session's path in JPY_SESSION_NAME. */
export function isMonitorSession(sessionName: string | undefined): boolean {
  return sessionName !== undefined && basename(sessionName) === MONITOR_SESSION;
}
