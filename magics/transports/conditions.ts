// What is wrong with a host that our programs shall live on, by what its commands complain of: each has a name, and says what to set.
import { TransportError } from '../protocol/errors';

export type Condition =
  | 'quota-used-up'
  | 'disk-full'
  | 'inodes-used-up'
  | 'read-only'
  | 'not-executable'
  | 'old-libc'
  | 'killed'
  | 'no-permission';

/** The host is reached, and cannot have our programs as it is. */
export class HostConditionError extends TransportError {
  readonly condition: Condition;

  constructor(what: string, host: string, condition: Condition, said: string) {
    super(`Cannot ${what} on ${host}: ${SENTENCES[condition]}${said === '' ? '' : ` It said: ${said}`}`, {
      transient: PASSING.has(condition),
    });
    this.condition = condition;
  }
}

/** They pass without a word to us: somebody makes room. A job that is on its way tries again, ever more rarely. */
const PASSING: ReadonlySet<Condition> = new Set(['quota-used-up', 'disk-full', 'inodes-used-up']);

const ELSEWHERE =
  'Set `setup: export XDG_CACHE_HOME=…` of this cluster to a directory on another file system, and `store:` too if it lies there.';

const SENTENCES: Readonly<Record<Condition, string>> = {
  'quota-used-up': `your quota is used up there. Remove files, or move away: ${ELSEWHERE}`,
  'disk-full': `its disk is full. Remove files, or move away: ${ELSEWHERE}`,
  'inodes-used-up': `there are no inodes left, which is a limit on the number of files. Remove some, or move away: ${ELSEWHERE}`,
  'read-only': `the place for programs is mounted read-only. ${ELSEWHERE}`,
  'not-executable': `programs may not be run where they are put (mounted noexec). ${ELSEWHERE} Or set \`node:\` to a Node.js that is there.`,
  'old-libc':
    'its C library is too old for that Node.js. Set `node:` of this cluster to one that was built for it (Node.js 18 has unofficial builds for glibc 2.17).',
  killed:
    'it was killed there: by a limit on memory or on processor time, or by a watcher of login nodes. Ask the site what may run there; `setup: ulimit …` raises soft limits, and `agent: connection` leaves nothing behind.',
  'no-permission': `that is not allowed in the place for programs. ${ELSEWHERE}`,
};

/** In the words of sh, of Node and of the loader; the more special ones first. */
const WORDS: readonly (readonly [RegExp, Condition])[] = [
  [/Disk quota exceeded|EDQUOT/i, 'quota-used-up'],
  [/GLIBC(?:XX)?_[\d.]+' not found|version `GLIBC/i, 'old-libc'],
  [/Read-only file system|EROFS/i, 'read-only'],
  [/\bnode: (?:Permission denied|cannot execute)|noexec/i, 'not-executable'],
  [/No space left on device|ENOSPC/i, 'disk-full'],
  [/^Killed$|out of memory|CPU time limit exceeded/im, 'killed'],
  [/EACCES|Permission denied/i, 'no-permission'],
];

/** undefined: nothing that is known. `how`: how the command ended. */
export function conditionOf(
  said: string,
  how: { readonly signal?: string; readonly code?: number },
): Condition | undefined {
  const found = WORDS.find(([words]) => words.test(said))?.[1];
  if (found !== undefined) return found;
  // 137 and 152 are what shells make of SIGKILL and SIGXCPU.
  const isKilled =
    ['SIGKILL', 'SIGXCPU', 'KILL', 'XCPU'].includes(how.signal ?? '') || [137, 152].includes(how.code ?? 0);
  return isKilled ? 'killed' : undefined;
}

/** Which of the two is full: the same words are said of blocks and of inodes. `df`: the last lines of `df -Pk` and of `df -Pi` for the place. */
export function fullness(df: string): Condition {
  const [, inodes = ''] = df.trim().split('\n');
  // Filesystem, all, used, free, share, place.
  const [, all = '0', , free = '1'] = inodes.split(/\s+/);
  return Number(all) > 0 && Number(free) === 0 ? 'inodes-used-up' : 'disk-full';
}
