// The little of XML that qstat writes: no attributes that matter, no element of a name inside one of the same name.

/** What stands inside each element of that name. */
export function blocks(xml: string, name: string): readonly string[] {
  return Array.from(
    xml.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>`, 'g')),
    (found) => found[1] ?? '',
  );
}

export function elements(xml: string, name: string): readonly string[] {
  return blocks(xml, name).map((text) => decode(text).trim());
}

/** The text of the first one. */
export function element(xml: string, name: string): string | undefined {
  return elements(xml, name)[0];
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

function decode(text: string): string {
  return text.replaceAll(/&(#x[0-9a-f]+|#\d+|\w+);/gi, (whole, name: string) => {
    if (!name.startsWith('#')) return ENTITIES[name] ?? whole;
    const code = name[1] === 'x' ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
