// Patterns of ssh_config(5) and known_hosts: `*`, `?`, and `!` that takes out what another one lets in.

/** Does a name match a list of patterns? */
export function matchesPatterns(patterns: readonly string[], name: string): boolean {
  const hits = (pattern: string) => toExpression(pattern).test(name);
  if (patterns.some((pattern) => pattern.startsWith('!') && hits(pattern.slice(1)))) return false;
  return patterns.some((pattern) => !pattern.startsWith('!') && hits(pattern));
}

/** Host names are the same in letters of both sizes; only `Host` sections tell them apart, as ssh(1) does. */
export function matchesHost(patterns: readonly string[], name: string): boolean {
  return matchesPatterns(
    patterns.map((pattern) => pattern.toLowerCase()),
    name.toLowerCase(),
  );
}

function toExpression(pattern: string): RegExp {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
}
