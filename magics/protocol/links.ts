// Symbolic links inside of a tree of files. Whether one leads out of its tree is not in its text alone: `a/up -> ..` is fine, and behind it
// `a/up/../x` begins outside. So each is followed as the system would follow it, by the links that come with it. Pure.

/** A system gives up after so many (path_resolution(7)); then it leads nowhere. */
const MOST_LINKS = 40;

/** By path in the tree: what it says. */
export type Links = ReadonlyMap<string, string>;

/** Whether a link at `path`, a path in the tree, leads to a place outside. What is no link of the tree is taken for a folder. */
export function leadsOut(path: string, target: string, links: Links): boolean {
  const place = path.split('/').slice(0, -1);
  const todo = target.split('/').reverse();
  if (!isRelative(target)) return true;
  for (let followed = 0; followed < MOST_LINKS;) {
    const step = todo.pop();
    if (step === undefined) return false;
    if (step === '' || step === '.') continue;
    if (step === '..') {
      if (place.pop() === undefined) return true;
      continue;
    }
    place.push(step);
    const next = links.get(place.join('/'));
    if (next === undefined) continue;
    if (!isRelative(next)) return true;
    followed += 1;
    place.pop();
    todo.push(...next.split('/').reverse());
  }
  return false;
}

function isRelative(target: string): boolean {
  return target !== '' && !target.startsWith('/') && !target.includes('\0');
}
