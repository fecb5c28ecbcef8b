// What is kept of packages on a node's own disk: folders that jobs find there again, until nobody has used them for long or they are too much together.
import { lstatSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere } from '../protocol/files';

const HOUR_MS = 3_600_000;
/** Jobs say so often that a folder is in use. */
export const USE_MS = HOUR_MS;
/** One that was told of since is somebody's. */
const IN_USE_MS = 3 * HOUR_MS;
const DAYS_MS = 7 * 24 * HOUR_MS;
const SIZE = '.bytes';
/** Where Node has found the modules in a folder (resolutions.ts). */
export const FOUND = '.found.json';
/** What is kept beside a folder, and goes with it. */
const BESIDE = [SIZE, FOUND];

/** Beside a folder that was just made, so that nobody has to count again. */
export function noteSize(place: string): void {
  let bytes = 0;
  const todo = [place];
  for (let folder = todo.pop(); folder !== undefined; folder = todo.pop())
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) todo.push(path);
      else bytes += lstatSync(path).size;
    }
  writeFileSync(`${place}${SIZE}`, String(bytes), { mode: 0o600 });
}

/** By age, and the oldest while there are more than `bytes` of them; never one in use. Gives the names that are gone. */
export function clearScratch(scratch: string, bytes: number, now: number): string[] {
  const found = readdirSync(scratch)
    .filter((name) => !BESIDE.some((ending) => name.includes(ending)))
    .flatMap((name) => {
      const stats = lstatSync(join(scratch, name), { throwIfNoEntry: false });
      const size = Number(readIfThere(join(scratch, `${name}${SIZE}`)) ?? 0);
      return stats === undefined ? [] : [{ name, size, age: now - stats.mtimeMs }];
    })
    .sort((a, b) => b.age - a.age);
  let total = found.reduce((sum, { size }) => sum + size, 0);
  const gone = found.filter(({ age, size }) => {
    const isOver = age > DAYS_MS || (total > bytes && age > IN_USE_MS);
    if (isOver) total -= size;
    return isOver;
  });
  for (const { name } of gone)
    for (const path of [name, ...BESIDE.map((ending) => name + ending)])
      rmSync(join(scratch, path), { recursive: true, force: true });
  return gone.map(({ name }) => name);
}
