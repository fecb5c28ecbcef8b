// The names of a job's nodes, from what each batch system tells a job.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expandNodeList, grantedNodes } from '../../magics/runner/nodes';

test.each([
  ['n1', ['n1']],
  ['n[1-3]', ['n1', 'n2', 'n3']],
  ['n[08-10,12],login', ['n08', 'n09', 'n10', 'n12', 'login']],
  ['r[1-2]n[1-2]-ib', ['r1n1-ib', 'r1n2-ib', 'r2n1-ib', 'r2n2-ib']],
  ['', []],
])('Slurm writes %j for its nodes', (list, names) => {
  expect(expandNodeList(list)).toEqual(names);
});

describe('the files of the others', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cellburst-nodes-'));
  const path = join(directory, 'hosts');
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });
  test('a PE_HOSTFILE has a line for each queue of a host', () => {
    writeFileSync(
      path,
      'a.site 4 all.q@a.site UNDEFINED\na.site 2 short.q@a.site UNDEFINED\nb.site 4 all.q@b.site UNDEFINED\n',
    );
    expect(grantedNodes({ PE_HOSTFILE: path })).toEqual(['a.site', 'b.site']);
  });
  test('a PBS_NODEFILE has a line for each task', () => {
    writeFileSync(path, 'a\na\nb\nb\n');
    expect(grantedNodes({ PBS_NODEFILE: path })).toEqual(['a', 'b']);
  });
  test('a file that is gone names none, and no batch system neither', () => {
    expect(grantedNodes({ PBS_NODEFILE: `${path}.gone` })).toEqual([]);
    expect(grantedNodes({})).toEqual([]);
  });
});
