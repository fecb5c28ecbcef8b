// The tasks of an array as one bar, in index order: where it stands, and where the failed ones are.
import * as React from 'react';
import { countTasks, taskRuns, type TaskArray } from '../../../magics/protocol/tasks';
import type { Translation } from '../model/words';
import { taskWord } from './task-grid';

export function TaskBar({
  array,
  trans,
}: {
  readonly array: TaskArray;
  readonly trans: Translation;
}): React.ReactElement {
  const counts = countTasks(array);
  const words = [trans.__('%1 of %2 tasks done', counts.completed, array.total)];
  if (counts.running > 0) words.push(trans.__('%1 running', counts.running));
  if (counts.failed > 0) words.push(trans.__('%1 failed', counts.failed));
  const text = words.join(', ');
  return (
    <div className="cb-Tasks">
      <div className="cb-Tasks-bar" role="img" aria-label={text}>
        {taskRuns(array).map(({ state, length }, index) => (
          <span
            key={index}
            className={`cb-mod-${state}`}
            style={{ flexGrow: length }}
            title={`${taskWord(state, trans)}: ${String(length)}`}
          />
        ))}
      </div>
      <span className="cb-Tasks-words">{text}</span>
    </div>
  );
}
