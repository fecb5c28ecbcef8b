// What to read where a medium cannot be shown: in a terminal, in an exported text, and in a notebook that is not trusted.
import { inspect } from 'node:util';

const MAX_TEXT = 10_000;

/** Best first: the one that reads best stands for the others. */
const READERS: readonly (readonly [RegExp, (media: unknown) => string])[] = [
  [/^text\/(markdown|latex)$/, String],
  [/^text\/html$/, (media) => textOfHtml(String(media))],
  [/^application\/vnd\.vega(lite)?\.v\d+\+json$/, describeChart],
  [/^application\/(geo\+)?json$/, (media) => inspect(media, { depth: 4 })],
  [/^image\/svg\+xml$/, (media) => `[SVG image${svgSize(String(media))}]`],
  [/^image\/png$/, (media) => describeImage('PNG', media, pngSize)],
  [/^image\/jpeg$/, (media) => describeImage('JPEG', media, jpegSize)],
  [/^image\/gif$/, (media) => describeImage('GIF', media, gifSize)],
  [/^application\/pdf$/, (media) => describeImage('PDF', media, () => undefined)],
  [/^(text|application)\/javascript$/, () => '[JavaScript]'],
  [/^text\//, String],
];

/** The text of a mime bundle as messages carry it: bytes in base64. Never throws. */
export function readBundle(bundle: Readonly<Record<string, unknown>>): string {
  const types = Object.keys(bundle);
  for (const [pattern, read] of READERS) {
    const type = types.find((name) => pattern.test(name));
    if (type === undefined) continue;
    const text = read(bundle[type]);
    return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
  }
  return `[${types.join(', ')}]`;
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'", nbsp: ' ' };

/** Words without their markup, a block on each line, cells of a table apart. */
function textOfHtml(html: string): string {
  const text = html
    .replace(/<(script|style)\b[^]*?<\/\1\s*>/gi, '')
    .replace(/<!--[^]*?-->/g, '')
    .replace(/\s+/g, ' ')
    .replace(/<\/t[dh]\s*>\s*(?=<t[dh])/gi, '  ')
    .replace(/<br\s*\/?>|<\/(p|div|tr|li|h[1-6]|table|ul|ol|pre|section)\s*>/gi, '\n')
    .replace(/<[a-z/!][^>]*>/gi, '')
    .replace(/&(?:#(\d+)|#x([\da-f]+)|([a-z]+));/gi, (whole, decimal?: string, hex?: string, name?: string) =>
      name === undefined ? character(decimal, hex) : (ENTITIES[name.toLowerCase()] ?? whole),
    );
  const lines = text.split('\n').map((line) => line.trim());
  return (
    lines
      .filter((line, at) => line !== '' || (at > 0 && lines[at - 1] !== ''))
      .join('\n')
      .trim() || '[HTML]'
  );
}

function character(decimal: string | undefined, hex: string | undefined): string {
  const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '';
}

/** `[Vega-Lite chart: bar, x: year, y: speed]` */
function describeChart(spec: unknown): string {
  const mark = fieldOf(spec, 'mark');
  const words = [typeof mark === 'string' ? mark : fieldOf(mark, 'type')];
  const encoding = fieldOf(spec, 'encoding');
  for (const channel of ['x', 'y', 'color']) {
    const field = fieldOf(fieldOf(encoding, channel), 'field');
    if (typeof field === 'string') words.push(`${channel}: ${field}`);
  }
  const title = fieldOf(spec, 'title');
  const known = [typeof title === 'string' ? title : undefined, ...words].filter((word) => typeof word === 'string');
  return `[Vega-Lite chart${known.length > 0 ? `: ${known.join(', ')}` : ''}]`;
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

type Size = readonly [number, number] | undefined;

function describeImage(kind: string, media: unknown, sizeOf: (bytes: Buffer) => Size): string {
  const bytes = Buffer.from(String(media), 'base64');
  const size = sizeOf(bytes);
  const kilobytes = bytes.length < 1000 ? `${bytes.length} B` : `${Math.round(bytes.length / 1000)} kB`;
  return `[${kind}${kind === 'PDF' ? '' : ' image'}${size ? `, ${size[0]} × ${size[1]}` : ''}, ${kilobytes}]`;
}

/** PNG specification, 11.2.2: the header chunk is the first. */
function pngSize(bytes: Buffer): Size {
  return bytes.length >= 24 && bytes.toString('latin1', 12, 16) === 'IHDR'
    ? [bytes.readUInt32BE(16), bytes.readUInt32BE(20)]
    : undefined;
}

/** GIF89a, 18: the logical screen. */
function gifSize(bytes: Buffer): Size {
  return bytes.length >= 10 ? [bytes.readUInt16LE(6), bytes.readUInt16LE(8)] : undefined;
}

/** ITU T.81, B.2.2: the frame header is behind some other segments. */
function jpegSize(bytes: Buffer): Size {
  for (let at = 2; at + 9 < bytes.length && bytes[at] === 0xff; at += 2 + bytes.readUInt16BE(at + 2)) {
    const marker = bytes[at + 1] ?? 0;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return [bytes.readUInt16BE(at + 7), bytes.readUInt16BE(at + 5)];
  }
  return undefined;
}

function svgSize(svg: string): string {
  const tag = /<svg\b[^>]*>/i.exec(svg)?.[0] ?? '';
  const [, width] = /\bwidth=["']([\d.]+)/.exec(tag) ?? [];
  const [, height] = /\bheight=["']([\d.]+)/.exec(tag) ?? [];
  const [, boxWidth, boxHeight] = /\bviewBox=["']\s*[-\d.]+[\s,]+[-\d.]+[\s,]+([\d.]+)[\s,]+([\d.]+)/.exec(tag) ?? [];
  const size = [width ?? boxWidth, height ?? boxHeight];
  return size.every((each) => each !== undefined) ? `, ${size.join(' × ')}` : '';
}
