// A job's output on the screen: untrusted text, with colours and progress bars, never HTML.
import { LogText } from '../../labextension/src/model/log';

const ESC = '\u001b';

function linesOf(...texts: string[]): string[] {
  return show(100, ...texts);
}

function show(maxLines: number, ...texts: string[]): string[] {
  const log = new LogText(maxLines);
  for (const text of texts) log.push({ stream: 'stdout', text });
  return log.lines.map(({ spans }) => spans.map(({ text }) => text).join(''));
}

test('lines end where the output says, however it was cut into pieces', () => {
  expect(linesOf('one\ntw', 'o\r\n', 'three')).toEqual(['one', 'two', 'three']);
});

test('a carriage return begins the line anew, as a progress bar wants it', () => {
  expect(linesOf('10 %\r', '20 %\r30 %\ndone')).toEqual(['30 %', 'done']);
});

test('markup is text', () => {
  expect(linesOf('<img src=x onerror=alert(1)>')).toEqual(['<img src=x onerror=alert(1)>']);
});

test('colours become styles, and end where they are ended', () => {
  const log = new LogText(10);
  log.push({ stream: 'stdout', text: `a${ESC}[1;31mb${ESC}[0mc${ESC}[38;5;2md${ESC}[39me` });
  expect(log.lines[0]?.spans).toEqual([
    { text: 'a', styles: [] },
    { text: 'b', styles: ['bold', 'red'] },
    { text: 'c', styles: [] },
    { text: 'd', styles: ['green'] },
    { text: 'e', styles: [] },
  ]);
});

test('a colour sequence that is cut in two is put together again', () => {
  const log = new LogText(10);
  log.push({ stream: 'stdout', text: `a${ESC}[3` });
  log.push({ stream: 'stdout', text: '1mb' });
  expect(log.lines[0]?.spans.at(-1)).toEqual({ text: 'b', styles: ['red'] });
});

test.each([
  ['cursor movements', `a${ESC}[2J${ESC}[Hb`],
  ['titles of a terminal', `a${ESC}]0;title\u0007b`],
  ['links of a terminal', `a${ESC}]8;;http://example.org${ESC}\\b`],
  ['colours we do not show', `a${ESC}[38;2;1;2;3mb`],
  ['bytes that nobody can read', 'a\u0000\u0008\u007fb'],
])('%s are left out', (_what, text) => {
  expect(linesOf(text)).toEqual(['ab']);
});

test('errors and displays are marked', () => {
  const log = new LogText(10);
  log.push({ stream: 'stderr', text: 'warning\n' });
  log.push({ stream: 'display', text: 'Map(2)\n' });
  expect(log.lines.map(({ spans }) => spans[0]?.styles)).toEqual([['stderr'], ['display']]);
});

test('of many lines the last are kept, and keep their numbers', () => {
  const log = new LogText(10);
  for (let line = 0; line < 1000; line += 1) log.push({ stream: 'stdout', text: `${line}\n` });
  expect(log.lines.length).toBeLessThanOrEqual(12);
  expect(log.lines.at(-1)).toMatchObject({ number: 999, spans: [{ text: '999' }] });
});

test('a line of a megabyte is cut, and the next one is whole', () => {
  const [first = '', second] = linesOf('x'.repeat(1e6), '\nnext');
  expect(first.length).toBeLessThan(11_000);
  expect(second).toBe('next');
});

test('a hundred thousand lines take less than a second', () => {
  const started = performance.now();
  show(1000, ...Array.from({ length: 1000 }, () => 'a line of text\n'.repeat(100)));
  expect(performance.now() - started).toBeLessThan(1000);
});
