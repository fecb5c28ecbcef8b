// What Maps and Sets hold, without a method of the user's being called.
import * as intrinsics from '../protocol/intrinsics';

/** Keys and values alternating, in order. */
export function entriesOf(map: object): unknown[] {
  const entries: unknown[] = [];
  intrinsics.mapEach(map, (value, key) => {
    entries.push(key, value);
  });
  return entries;
}

export function membersOf(set: object): unknown[] {
  const members: unknown[] = [];
  intrinsics.setEach(set, (value) => {
    members.push(value);
  });
  return members;
}
