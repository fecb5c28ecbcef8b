// What a job will find otherwise than the notebook does, though nothing stands in its way.
import type { CodePack } from '../protocol/bundle';
import { LANGUAGE } from '../realm/module-states';
import type { Realm } from '../realm/realm';

const SHOWN = 3;
/** Said once: a notebook that runs a cell again and again has read it. */
const told = new WeakMap<Realm, Set<string>>();

export function noticesOf(realm: Realm, pack: CodePack): string[] {
  const known = told.get(realm) ?? new Set<string>();
  told.set(realm, known);
  const notices = [LANGUAGE, ...pack.modules].flatMap((specifier) => {
    const changes = realm.references.states.changesOf(specifier);
    if (changes.length === 0) return [];
    const more = changes.length > SHOWN ? ` and ${changes.length - SHOWN} more` : '';
    const changed = `${changes.slice(0, SHOWN).join(', ')}${more}`;
    const what =
      specifier === LANGUAGE
        ? `What the language brings was changed here (${changed}); the job has it as it was.`
        : `'${specifier.replace(/^require:/, '')}' was changed here after it was imported (${changed}); the job imports it as it is.`;
    return [`${what} Make the change in the cell as well, or in a local module that the notebook imports.`];
  });
  const fresh = notices.filter((notice) => !known.has(notice));
  for (const notice of fresh) known.add(notice);
  return fresh;
}
