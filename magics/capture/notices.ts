// What a job will find otherwise than the notebook does, though nothing stands in its way.
import type { CodePack } from '../protocol/bundle';
import type { Realm } from '../realm/realm';

const SHOWN = 3;
/** Said once: a notebook that runs a cell again and again has read it. */
const told = new WeakMap<Realm, Set<string>>();

export function noticesOf(realm: Realm, pack: CodePack): string[] {
  const known = told.get(realm) ?? new Set<string>();
  told.set(realm, known);
  const notices = pack.modules.flatMap((specifier) => {
    const changes = realm.references.states.changesOf(specifier);
    if (changes.length === 0) return [];
    const name = specifier.replace(/^require:/, '');
    const more = changes.length > SHOWN ? ` and ${changes.length - SHOWN} more` : '';
    return [
      `'${name}' was changed here after it was imported (${changes.slice(0, SHOWN).join(', ')}${more}); the job imports it as it is. Make the change in the cell as well, or in a local module that the notebook imports.`,
    ];
  });
  const fresh = notices.filter((notice) => !known.has(notice));
  for (const notice of fresh) known.add(notice);
  return fresh;
}
