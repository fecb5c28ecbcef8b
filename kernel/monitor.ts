// The job panels of JupyterLab, served over comms. A kernel that was started for them alone keeps no process for cells ready.
import { connectAgent } from '../magics/client';
import { JobMonitor } from '../magics/monitor';
import { MONITOR_TARGET } from '../magics/protocol/monitor';
import { toCommData, type CommTarget } from './comms';
import { ownVersion } from './versions';

export const monitorTargets: Readonly<Record<string, CommTarget>> = {
  [MONITOR_TARGET]: ({ send, close }) => {
    const monitor = new JobMonitor({
      connect: () => connectAgent(),
      version: ownVersion(),
      onSilent: close,
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
