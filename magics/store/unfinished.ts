// Contents that have begun to come: in this life of the agent or an earlier one, and perhaps nobody goes on with them.
import { lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { contentId, type ContentId } from '../protocol/chunks';
import type { Kept } from './keeping';

const NAME = /^([0-9a-f]{64})\.(?:arriving|journal)$/;

/** `directory` exists. Sizes are what they take on the disk: of holes there is nothing. */
export function unfinishedIn(directory: string): Kept[] {
  const found = new Map<ContentId, Kept>();
  for (const name of readdirSync(directory)) {
    const [, hex] = NAME.exec(name) ?? [];
    if (hex === undefined) continue;
    const path = join(directory, name);
    // A link leads beside somebody's place, and to nothing when they have cleared that away.
    const stats = statSync(path, { throwIfNoEntry: false }) ?? lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) continue;
    const id = contentId(hex, name);
    const { bytes = 0, usedAt = 0 } = found.get(id) ?? {};
    found.set(id, {
      id,
      kind: 'file',
      bytes: bytes + stats.blocks * 512,
      usedAt: Math.max(usedAt, stats.mtimeMs),
    });
  }
  return [...found.values()];
}
