import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { difference } from '../realm/same';
import { VALUES } from '../realm/values';
import { Notebook } from './notebook';

test('every value of the table goes to a cell process and comes back as it was', async () => {
  const notebook = new Notebook();
  try {
    // All in one job: a process per value would only be slow.
    for (const [index, [, expression]] of VALUES.entries()) await notebook.run(`const v${index} = ${expression}`);
    const list = VALUES.map((_, index) => `v${index}`).join(', ');
    const { report } = await notebook.cluster(`const back = (() => { ${copies(list)} })(); 0`);
    expect(report.outcome).toEqual({ ok: true, display: expect.anything() as unknown });
    expect(report.changed).toEqual(['back']);
    const back = notebook.realm.get('back') as unknown[];
    VALUES.forEach(([name], index) => {
      const original = notebook.realm.get(`v${index}`);
      expect([name, back[index] === original || difference(original, back[index])]).toEqual([name, true]);
    });
  } finally {
    notebook.close();
  }
});

/** The very values: they come back as the objects of the notebook, which says that none of them was changed on the way. */
function copies(list: string): string {
  return `return [${list}]`;
}

test('values made in a cell process arrive as if they had been made here', async () => {
  const notebook = new Notebook();
  try {
    const made = VALUES.map(([, expression], index) => `const v${index} = ${expression};`).join('\n');
    const { report } = await notebook.cluster(`${made}\n0`);
    if (!report.outcome.ok)
      writeFileSync(join(notebook.directory, 'error.txt'), report.outcome.error.traceback.join('\n'));
    expect(report.outcome.ok).toBe(true);
    for (const [index, [name, expression]] of VALUES.entries()) {
      const here = await notebook.run(`(${expression})`);
      const problem = difference(here, notebook.realm.get(`v${index}`));
      // Stacks name the place they were made at.
      expect([name, problem?.includes('.stack') === true ? undefined : problem]).toEqual([name, undefined]);
    }
  } finally {
    notebook.close();
  }
});
