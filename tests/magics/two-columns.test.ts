// Help as it stands in a notebook, which is no wider than a terminal.
import { commandsHelp } from '../../magics/commands';
import { optionsHelp } from '../../magics/options';
import { twoColumns } from '../../magics/two-columns';

test('a meaning is wrapped within its column, and a name that is too long stands above it', () => {
  const long = `--${'name '.repeat(12).trim()}`;
  const lines = twoColumns([
    ['-a', 'short'],
    [long, 'word '.repeat(40).trim()],
  ]);
  expect(lines.slice(0, 2)).toEqual(['-a  short', long]);
  expect(lines.slice(2).every((line) => /^ {4}word/.test(line))).toBe(true);
  expect(lines.slice(2).join(' ').split(/ +/).filter(Boolean)).toHaveLength(40);
});

test.each([
  ['%cluster help', commandsHelp()],
  ['%%cluster --help', optionsHelp(['local'])],
])('%s fits into a notebook', (_, text) => {
  const rows = text.split('\n').filter((line) => line.startsWith('  '));
  expect(rows.filter((line) => line.length > 104)).toEqual([]);
});
