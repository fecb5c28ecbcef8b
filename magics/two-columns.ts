// Names and what they mean, as people read them: beside each other, each meaning wrapped within its own column. A notebook is about as wide as a terminal.

const COLUMNS = 104;
/** A name that is longer stands above its meaning. */
const LONGEST_NAME = 44;

export function twoColumns(rows: readonly (readonly [name: string, meaning: string])[]): string[] {
  const fitting = rows.map(([name]) => name.length + 2).filter((length) => length <= LONGEST_NAME);
  const width = Math.max(...fitting, 4);
  return rows.flatMap(([name, meaning]) => {
    const lines = wrap(meaning, COLUMNS - width);
    const beside = name.length + 2 <= width ? (lines.shift() ?? '') : '';
    return [`${name.padEnd(width)}${beside}`.trimEnd(), ...lines.map((line) => ' '.repeat(width) + line)];
  });
}

function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
