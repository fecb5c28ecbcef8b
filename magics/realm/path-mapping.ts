// `paths` of a tsconfig.json: which files a specifier may mean. The rules are TypeScript's: an exact pattern before any with a star, of those the
// one with the longest beginning.

/** Absolute paths, without extension perhaps, in the order they are to be tried. */
export function mappedPaths(specifier: string, paths: Readonly<Record<string, readonly string[]>>): string[] {
  const exact = paths[specifier];
  if (exact !== undefined) return [...exact];
  const [best] = Object.keys(paths)
    .flatMap((pattern) => {
      const star = pattern.indexOf('*');
      const [head, tail] = [pattern.slice(0, star), pattern.slice(star + 1)];
      const fits = star >= 0 && specifier.length >= head.length + tail.length;
      return fits && specifier.startsWith(head) && specifier.endsWith(tail) ? [{ pattern, head, tail }] : [];
    })
    .sort((a, b) => b.head.length - a.head.length);
  if (best === undefined) return [];
  const middle = specifier.slice(best.head.length, specifier.length - best.tail.length);
  return (paths[best.pattern] ?? []).map((target) => target.replace('*', () => middle));
}
