// What a front end tells of its notebook (protocol/monitor.ts): which cluster cells without a name go to.
import { isObject } from '../magics/protocol/shape';
import type { CommTarget } from './comms';

/** `prefer` is told each time; undefined: the notebook says nothing of it. */
export function notebookTarget(prefer: (cluster: string | undefined) => void): CommTarget {
  return ({ opening }) => {
    const take = (told: unknown): void => {
      const cluster = isObject(told) ? told['cluster'] : undefined;
      prefer(typeof cluster === 'string' && cluster !== '' ? cluster : undefined);
    };
    take(opening);
    return { receive: take, close: () => Promise.resolve() };
  };
}
