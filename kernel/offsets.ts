// Jupyter counts `cursor_pos` in Unicode code points (since protocol 5.2), JavaScript in UTF-16 units.

export function toOffset(source: string, codePoints: number): number {
  let offset = 0;
  for (let seen = 0; seen < codePoints && offset < source.length; seen++)
    offset += (source.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1;
  return offset;
}

export function toCodePoints(source: string, offset: number): number {
  let count = 0;
  for (let at = 0; at < offset && at < source.length; count++) at += (source.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return count;
}
