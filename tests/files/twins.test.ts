// Names that are two here and one elsewhere. The second half needs a file system that tells no upper case from lower beside one that does: exFAT, made here
// by exfat-fuse and exfatprogs, as root.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { gatherInputs } from '../../magics/files/inputs';
import { landOutputs } from '../../magics/files/landing';
import { listOutputs } from '../../magics/files/outputs';
import { placeInputs } from '../../magics/files/place';
import { settleTree } from '../../magics/files/settle';
import { areOneName, findTwins, laterTwins } from '../../magics/protocol/twins';
import { TAR_END, tarHeader, tarPadding } from '../../magics/protocol/tar';
import { placePackages } from '../../magics/runner/packages';
import { copyTree, findTree } from '../../magics/store/tree';

const signal = new AbortController().signal;

test.each([
  [['data/a.csv', 'data/b.csv'], undefined],
  [
    ['data/a.csv', 'data/b.csv', 'data/A.csv'],
    ['data/a.csv', 'data/A.csv'],
  ],
  [
    ['Data/a', 'data/b'],
    ['Data', 'data'],
  ],
  // One é of one sign, one of two.
  [
    ['caf\u00e9', 'cafe\u0301'],
    ['caf\u00e9', 'cafe\u0301'],
  ],
  [
    ['straße', 'STRASSE'],
    ['straße', 'STRASSE'],
  ],
  [['x', 'x'], undefined],
] as const)('of %j the first that are one name', (paths, twins) => {
  expect(findTwins(paths)).toEqual(twins);
});

test('files that share their name with an earlier one; folders may be shared', () => {
  expect([...laterTwins(['Data/a', 'data/b', 'plot', 'PLOT', 'Plot'])]).toEqual([
    ['PLOT', 'plot'],
    ['Plot', 'plot'],
  ]);
});

test('packages with two files of one name are refused, with what to do', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'twins-test-'));
  const before = process.env['CELLBURST_SCRATCH'];
  process.env['CELLBURST_SCRATCH'] = scratch;
  try {
    // On any file system a name is the same as itself.
    const members = ['a', 'a'].flatMap((path) => [
      tarHeader({ kind: 'file', path, isExecutable: false, size: 1 }),
      Buffer.from('x'),
      tarPadding(1),
    ]);
    const bytes = gzipSync(Buffer.concat([...members, TAR_END]));
    const archive = join(scratch, 'archive.tgz');
    writeFileSync(archive, bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await expect(placePackages({ archive, sha256 }, () => undefined, signal)).rejects.toThrow(
      /\/a has the same name as another file of them.*CELLBURST_SCRATCH/,
    );
  } finally {
    if (before === undefined) delete process.env['CELLBURST_SCRATCH'];
    else process.env['CELLBURST_SCRATCH'] = before;
    rmSync(scratch, { recursive: true, force: true });
  }
});

const directory = mkdtempSync(join(tmpdir(), 'twins-test-'));
const caseless = openCaseless();
afterAll(() => {
  caseless.close();
  rmSync(directory, { recursive: true, force: true });
});
const describeIf = caseless.folder === undefined ? describe.skip : describe;

describeIf(
  `where upper case is lower case${caseless.folder === undefined ? ' (not tested: no such file system here)' : ''}`,
  () => {
    const folder = caseless.folder ?? '';
    let home: string;
    beforeEach(() => {
      home = mkdtempSync(join(directory, 'home-'));
      for (const name of ['data/plot.txt', 'data/PLOT.txt', 'data/other.txt']) {
        mkdirSync(dirname(join(home, name)), { recursive: true });
        writeFileSync(join(home, name), name);
      }
    });
    afterEach(() => {
      for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
    });
    const REFUSAL =
      /Cannot put both (data\/)?(plot\.txt and (data\/)?PLOT\.txt|PLOT\.txt and (data\/)?plot\.txt) to .*one name on the file system there.*nothing was written/;

    test('it is seen, and where they are two as well', () => {
      expect(areOneName(['data/a', 'data/A'], folder)).toBe(true);
      expect(areOneName(['data/a', 'data/b'], folder)).toBe(false);
      expect(areOneName(['data/a', 'data/A'], home)).toBe(false);
      expect(readdirSync(folder)).toEqual([]);
    });

    test('a tree is refused before anything of it is written', async () => {
      const { parts } = await findTree(home, undefined, signal);
      await expect(copyTree(parts, join(folder, 'tree'), signal)).rejects.toThrow(REFUSAL);
      await expect(settleTree(home, folder, true, signal)).rejects.toThrow(REFUSAL);
      expect(readdirSync(folder)).toEqual([]);
      expect(readdirSync(join(home, 'data')).sort()).toEqual(['PLOT.txt', 'other.txt', 'plot.txt']);
    });

    test('inputs are refused before anything of them is written', async () => {
      const { files, list } = await gatherInputs(
        { directory: home, inputs: [{ text: 'data', by: '--in' }], outputs: [] },
        signal,
      );
      expect(() => placeInputs(folder, files, list)).toThrow(REFUSAL);
      expect(readdirSync(folder)).toEqual([]);
    });

    test('an output goes beside the one that has its name, and that is told', async () => {
      const outputs = [{ base: 'data' }];
      const list = listOutputs(home, outputs, { entries: [] });
      const files = { inputs: 'here', root: folder, folder: '.', outputs, count: 0, bytes: 0, links: [] } as const;
      const landed = await landOutputs({ from: home, files, list, jobId: 'abc123', since: Date.now() }, signal);
      const [conflict] = landed.conflicts;
      expect(landed.conflicts).toHaveLength(1);
      expect(conflict?.reason).toMatch(/data\/(plot|PLOT)\.txt has the same name on the file system here/);
      const kept = readFileSync(join(folder, conflict?.kept ?? ''), 'utf8');
      const other = readFileSync(join(folder, 'data', 'plot.txt'), 'utf8');
      expect([kept, other].sort()).toEqual(['data/PLOT.txt', 'data/plot.txt']);
    });
  },
);

/** A folder of such a file system, and what ends it. */
function openCaseless(): { readonly folder: string | undefined; close(): void } {
  const tools = ['mkfs.exfat', 'mount.exfat-fuse', 'losetup', 'umount'];
  const places = (process.env['PATH'] ?? '').split(delimiter);
  const isThere = (tool: string): boolean => places.some((place) => existsSync(join(place, tool)));
  const nothing = { folder: undefined, close: () => undefined };
  if (process.getuid?.() !== 0 || !tools.every(isThere)) return nothing;
  const [image, folder] = [join(directory, 'image'), join(directory, 'caseless')];
  writeFileSync(image, '');
  truncateSync(image, 32 << 20);
  mkdirSync(folder);
  const run = (program: string, ...args: string[]): string =>
    execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe', timeout: 20_000 }).trim();
  run('mkfs.exfat', image);
  let device: string;
  try {
    device = run('losetup', '--find', '--show', image);
  } catch {
    // A container without loop devices: the name of the suite says that it was left out.
    return nothing;
  }
  try {
    run('mount.exfat-fuse', device, folder);
  } catch (error) {
    run('losetup', '--detach', device);
    throw error;
  }
  return {
    folder,
    close: () => {
      run('umount', folder);
      run('losetup', '--detach', device);
    },
  };
}
