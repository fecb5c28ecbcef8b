// Which jobs are listed: of all notebooks or this one, with these words, in these states. The chips are counts and filters in one.
import * as React from 'react';
import type { Filter } from '../model/selection';
import { GROUPS, groupWord, type Group, type Look } from '../model/words';
import { toggled, useReadable, type App } from './app';
import { StateIcon } from './state-icon';

const ICONS: Readonly<Record<Group, Look>> = {
  running: 'running',
  waiting: 'queued',
  failed: 'failed',
  done: 'succeeded',
};

export function Filters({
  app,
  counts,
}: {
  readonly app: App;
  readonly counts: Readonly<Record<Group, number>>;
}): React.ReactElement {
  const { trans, view: store } = app;
  const { filter } = useReadable(store);
  const change = (changes: Partial<Filter>): void => {
    store.set({ ...store.value, filter: { ...filter, ...changes } });
  };
  return (
    <div className="cb-Filters">
      <div className="cb-Filters-line">
        <select
          className="cb-Select"
          aria-label={trans.__('Jobs of')}
          value={filter.scope}
          onChange={(event) => {
            change({ scope: event.target.value === 'notebook' ? 'notebook' : 'all' });
          }}
        >
          <option value="all">{trans.__('All notebooks')}</option>
          <option value="notebook">{trans.__('This notebook')}</option>
        </select>
        <input
          className="cb-Input"
          type="search"
          placeholder={trans.__('Filter')}
          aria-label={trans.__('Filter by words')}
          value={filter.text}
          onChange={(event) => {
            change({ text: event.target.value });
          }}
        />
      </div>
      <div className="cb-Chips" role="group" aria-label={trans.__('Filter by state')}>
        {GROUPS.map((group) => (
          <button
            key={group}
            type="button"
            className="cb-Chip"
            aria-pressed={filter.groups.has(group)}
            aria-label={`${groupWord(group, trans)}: ${String(counts[group])}`}
            title={groupWord(group, trans)}
            data-group={group}
            onClick={() => {
              change({ groups: toggled(filter.groups, group) });
            }}
          >
            <StateIcon look={ICONS[group]} />
            {counts[group]}
          </button>
        ))}
      </div>
    </div>
  );
}
