// Magic lines are not TypeScript: they become comments of the same length, so that every offset, line and column stays as typed.

/** `%%cluster --cores 8` → `//cluster --cores 8`. Only lines before any code count. */
export function maskMagics(source: string): string {
  let at = 0;
  let masked = '';
  for (const line of source.split('\n')) {
    const content = line.trimStart();
    const isMagic = content.startsWith('%');
    if (!isMagic && content !== '' && !content.startsWith('//')) break;
    const indent = line.length - content.length;
    // A lone % has no room for a comment.
    masked += isMagic ? line.slice(0, indent) + (content.length > 1 ? '//' : ' ') + content.slice(2) : line;
    at += line.length;
    if (at < source.length) masked += '\n';
    at += 1;
  }
  return masked + source.slice(at);
}
