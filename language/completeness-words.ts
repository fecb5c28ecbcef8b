// What is said of a text whose author may still type. Apart from the compiler: the kernel's own thread says it too.

export type Completeness =
  | { readonly status: 'complete' }
  | { readonly status: 'incomplete'; /** Spaces for the next line. */ readonly indent: string }
  | { readonly status: 'invalid' }
  | { readonly status: 'unknown' };

/** Spaces for the line after this text. */
export function nextIndent(text: string): string {
  const line = text.trimEnd().split('\n').at(-1) ?? '';
  const indent = /^[ \t]*/.exec(line)?.[0] ?? '';
  return /[{([]$|=>$/.test(line) ? `${indent}  ` : indent;
}
