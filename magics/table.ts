// All magics, by the words they begin with. Running, `%lsmagic`, completion and inspection read this table.
import { clusterCell, clusterLine } from './cluster-magics';
import type { MagicLine } from './line';
import type { Magic } from './magic';
import { memory } from './memory';
import { bash, npm, shellLine } from './shell';
import { showTable, succeed } from './show';
import { changeDirectory, environment, reset, typescript, who } from './surroundings';
import { timeCell, timeLine } from './timing';

const list: Magic = {
  usage: '%lsmagic',
  help: 'Lists all magics.',
  run: () => {
    const rows = Object.values(MAGICS).map(({ usage, help }) => [usage, help]);
    return Promise.resolve(
      succeed(
        showTable(
          ['magic', 'what it does'],
          rows,
          '',
          'More on one: put a question mark behind it (%cd ?), or inspect it.',
        ),
      ),
    );
  },
};

export const MAGICS: Readonly<Record<string, Magic>> = {
  '%%cluster': clusterCell,
  '%cluster': clusterLine,
  '%%time': timeCell,
  '%time': timeLine,
  '%%bash': bash,
  '!': shellLine,
  '%npm': npm,
  '%env': environment,
  '%cd': changeDirectory,
  '%who': who,
  '%reset': reset,
  '%memory': memory,
  '%ts': typescript,
  '%lsmagic': list,
};

/** `%%cluster`, `%env`, `!`. */
export function spellingOf({ kind, name }: MagicLine): string {
  return kind === 'shell' ? '!' : `${kind === 'cell' ? '%%' : '%'}${name.text}`;
}

export function magicOf(line: MagicLine): Magic | undefined {
  const spelling = spellingOf(line);
  return Object.hasOwn(MAGICS, spelling) ? MAGICS[spelling] : undefined;
}
