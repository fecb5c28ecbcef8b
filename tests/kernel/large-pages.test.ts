// Large arrays on large pages: chosen for the processes that hold the user's arrays, and hidden from what those start.
import { hideHugePages, hugePages } from '../../magics/protocol/huge-pages';

test('the tunable is added to what is set, and never twice', () => {
  expect(hugePages({}, 'linux')).toEqual({ GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' });
  expect(hugePages({ GLIBC_TUNABLES: 'a.b=1' }, 'linux')).toEqual({ GLIBC_TUNABLES: 'a.b=1:glibc.malloc.hugetlb=1' });
  expect(hugePages({ GLIBC_TUNABLES: 'glibc.malloc.hugetlb=0' }, 'linux')).toEqual({});
  expect(hugePages({}, 'darwin')).toEqual({});
});

test.each([undefined, 'a.b=1'])('a process that was given %p sees just that again', (set) => {
  const before = set === undefined ? {} : { GLIBC_TUNABLES: set };
  const env = { ...before, ...hugePages(before, 'linux') };
  hideHugePages(env);
  expect(env).toEqual(before);
});
