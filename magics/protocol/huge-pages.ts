// Large arrays on large pages. A fresh 100 MB array costs 25,000 page faults, most of the time of filling it; with pages of 2 MB it is filled
// five times as fast. Where the system leaves the choice to the program (Linux, "madvise"), the GNU C library makes it for malloc when its
// tunable glibc.malloc.hugetlb is 1 (2.35 and newer; others do not look). Tunables are read when a process starts, so the parent sets it.

const NAME = 'GLIBC_TUNABLES';
const TUNABLE = 'glibc.malloc.hugetlb=1';

/** Added to the environment of a process that will hold arrays of the user's. */
export function hugePages(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform = process.platform,
): Record<string, string> {
  const set = env[NAME] ?? '';
  if (platform !== 'linux' || set.includes('glibc.malloc.hugetlb')) return {};
  return { [NAME]: set === '' ? TUNABLE : `${set}:${TUNABLE}` };
}

/** The same in a shell's words: the variable `name` is what the tunables of such a process are. */
export function hugePagesLines(name: string): readonly string[] {
  return [
    `${name}=\${${NAME}-}`,
    `case $${name} in *glibc.malloc.hugetlb*) ;; *) ${name}=\${${name}:+$${name}:}${TUNABLE} ;; esac`,
  ];
}

/** In that process: what it starts has the environment that the user knows. */
export function hideHugePages(env: NodeJS.ProcessEnv = process.env): void {
  const set = env[NAME];
  if (set === TUNABLE) Reflect.deleteProperty(env, NAME);
  else if (set?.endsWith(`:${TUNABLE}`) === true) env[NAME] = set.slice(0, -TUNABLE.length - 1);
}
