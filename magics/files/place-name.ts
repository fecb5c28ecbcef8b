// `NAME:path`: a path on a cluster, as people write it.
import { UsageError } from '../protocol/errors';

export interface PlaceName {
  readonly cluster: string;
  readonly path: string;
}

const PLACE = /^([A-Za-z][\w.-]*):([^]*)$/;

/** undefined: it names no cluster. */
export function readPlace(text: string): PlaceName | undefined {
  const [, cluster, path = ''] = PLACE.exec(text) ?? [];
  return cluster === undefined ? undefined : { cluster, path };
}

export function placeOf(text: string): PlaceName {
  const place = readPlace(text);
  if (place !== undefined) return place;
  throw new UsageError(
    `${JSON.stringify(text)} names no cluster: NAME:path is needed, as local:${text === '' ? '.' : text}. Relative paths begin from the home directory there.`,
  );
}
