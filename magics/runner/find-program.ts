// Programs of the system that are used where they are.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const found = new Map<string, string | undefined>();

/** The path of a program on PATH. */
export function findProgram(name: string): string | undefined {
  if (!found.has(name)) {
    const places = (process.env['PATH'] ?? '').split(delimiter).map((directory) => join(directory, name));
    found.set(
      name,
      places.find((path) => existsSync(path)),
    );
  }
  return found.get(name);
}
