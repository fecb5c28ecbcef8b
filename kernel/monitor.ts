// The job panels of JupyterLab, served over comms. A kernel that was started for them alone keeps no process for cells ready.
import { basename } from 'node:path';
import { connectAgent } from '../magics/client';
import { JobMonitor } from '../magics/monitor';
import { MONITOR_SESSION, MONITOR_TARGET } from '../magics/protocol/monitor';
import { toCommData, type CommTarget } from './comms';
import { ownVersion } from './versions';

/** Jupyter's server tells the session's path in JPY_SESSION_NAME. */
export function isMonitorSession(sessionName: string | undefined): boolean {
  return sessionName !== undefined && basename(sessionName) === MONITOR_SESSION;
}

export const monitorTargets: Readonly<Record<string, CommTarget>> = {
  [MONITOR_TARGET]: (send) => {
    const monitor = new JobMonitor({
      connect: () => connectAgent(),
      version: ownVersion(),
      send: (message) => {
        send(toCommData(message));
      },
    });
    return {
      receive: (data) => {
        monitor.receive(data);
      },
      close: () => monitor[Symbol.asyncDispose](),
    };
  },
};
