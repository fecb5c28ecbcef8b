// Packages on a host that is reached over a real sshd, as another user: it cannot read the notebook's folder, and has none of the packages.
import { existsSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LONG_MS, hostEntry, startBefore } from '../clusters/notebook';
import { describeOn, lacks, openSystem } from '../clusters/open';
import { testUnless } from '../unless';
import { modulesMissing } from '../clusters/package-cells';
import type { CaptureData } from '../../magics/show-capture';
import { CAPTURE_MIME } from '../../magics/protocol/capture';
import { ROOT, type KernelClient } from '../kernel/client';
import { endProcesses } from '../notebook/processes';
import { cellsOf, value, type Cells } from './cells';
import { writeProject } from './project';

/** `getconf` is all that tells a C library's version. */
function agedPrograms(folder: string): string {
  writeFileSync(join(folder, 'getconf'), '#!/bin/sh\necho glibc 2.17\n', { mode: 0o755 });
  return folder;
}

/** A folder of all programs but Node, npm and what goes with them, and some more. */
function withoutNode(folder: string, more: readonly string[] = []): string {
  for (const place of ['/usr/bin', '/bin']) {
    for (const name of readdirSync(place)) {
      if (/^(node|nodejs|npm|npx|corepack)$/.test(name) || more.includes(name) || existsSync(join(folder, name)))
        continue;
      symlinkSync(join(place, name), join(folder, name));
    }
  }
  return folder;
}

const sshd = openSystem('sshd', { by: 'anybody' });
const noNamespaces = lacks(sshd, 'SSHD_NODES');

describeOn('packages over ssh2', sshd, (system) => {
  let kernel: KernelClient;
  let cells: Cells;
  let store = '';
  beforeAll(async () => {
    store = system.makeDirectory('store');
    const scratch = system.makeDirectory('scratch');
    const login = hostEntry(system);
    const place = (name: string) => system.makeDirectory(name);
    kernel = await startBefore(system, {
      far: [...login, `store: ${store}`, `setup: export CELLBURST_SCRATCH=${scratch}`],
      // Another host, in a network namespace that leads nowhere, whose user finds no Node.
      bare: [
        ...hostEntry(system, 'cb-inner'),
        `store: ${place('bare')}`,
        `setup: export PATH=${withoutNode(place('bin'))} XDG_CACHE_HOME=${place('cache')} CELLBURST_SCRATCH=${scratch}`,
      ],
      // One whose system does not say that its C library is glibc, as Alpine's.
      foreign: [
        ...login,
        `setup: export PATH=${withoutNode(place('foreign'), ['getconf'])} XDG_CACHE_HOME=${place('foreign-cache')}`,
      ],
      // One whose system says that its C library is that of CentOS 7.
      aged: [
        ...login,
        `setup: export PATH=${agedPrograms(withoutNode(place('aged'), ['getconf']))} XDG_CACHE_HOME=${place('aged-cache')}`,
      ],
      modular: [...login, `store: ${place('modular')}`, 'modules: "null"'],
      unloadable: [...login, `store: ${place('unloadable')}`, 'modules: ["null", nosuch/1.0]'],
      old: [...login, 'node: /nowhere/node'],
    });
    writeProject(kernel.directory);
    cells = cellsOf(kernel);
  });
  afterAll(async () => {
    await kernel.stop();
    for (const name of ['store', 'bare', 'modular'])
      await endProcesses(`CELLBURST_STATE_DIR=${join(dirname(store), name)}`);
  });

  test(
    'a cell runs there with the packages that it runs with here',
    async () => {
      await cells.run(`import { Counter } from 'counter';\nconst held = new Counter(7);`);
      const answer = await cells.run(
        `%%cluster far\nimport { userInfo } from 'node:os';\nimport { parse } from 'yaml';\nimport { stringify } from 'devalue';\nimport { near } from '@team/shape';\nimport patched from 'patched';\nimport { sum } from 'assets';\n` +
          `JSON.stringify([userInfo().username, parse('b: 2').b, stringify(1), near('cat', 'cut'), (patched as any).patched, sum('two', 40), held.up(), held instanceof Counter])`,
      );
      expect(value(answer)).toBe(`'["${system.user.name}",2,"[1]",true,"yes",42,8,true]'`);
      expect(value(await cells.run('held.n'))).toBe('8');
      const { messages } = await cells.run(`%%cluster far --dry-run\nimport { parse } from 'yaml';\nparse('b: 2')`);
      expect(JSON.stringify(messages)).toContain(
        'Packages: bundle (every package that the cell reaches is plain JavaScript)',
      );
    },
    LONG_MS,
  );

  test(
    'a dry run tells of each name whether the cluster has it already, and sends nothing',
    async () => {
      const look = async (): Promise<Record<string, number | undefined>> => {
        const { messages } = await cells.run('%%cluster far --dry-run\n[series[0], more[0], note]');
        const found = messages.flatMap(({ content }) => {
          const data: unknown = content['data'];
          return typeof data === 'object' && data !== null && CAPTURE_MIME in data ? [data[CAPTURE_MIME]] : [];
        });
        const [{ names }] = found as [CaptureData];
        return Object.fromEntries(names.map(({ name, sends }) => [name, sends]));
      };
      await cells.run(
        `const series = Float64Array.from({ length: 500_000 }, Math.random), more = Float64Array.from({ length: 200_000 }, Math.random);\nconst note = Array.from({ length: 150_000 }, (_, i) => i + " " + Math.random());`,
      );
      const first = await look();
      expect(first).toMatchObject({ series: 4_000_002, more: 1_600_002 });
      expect(first['note']).toBeGreaterThan(3_000_000);
      await cells.run('%%cluster far\nseries[0]');
      expect(await look()).toEqual({ ...first, series: 0 });
      await cells.run('series[3] = 7; 0');
      const changed = await look();
      expect(changed['series']).toBe(1_048_576);
      await cells.run('%%cluster far\n[series[0], more[0], note]');
      const last = await look();
      expect(last).toMatchObject({ series: 0, more: 0 });
      // The chunks that have the text of the cell in them, of 256 KiB at most.
      expect(last['note']).toBeLessThan(600_000);
    },
    LONG_MS,
  );

  test(
    'the same packages are not sent again',
    async () => {
      const kept = () => readdirSync(join(store, 'environments'));
      const before = kept();
      expect(before).toHaveLength(1);
      const code = `\nimport { parse } from 'yaml';\nparse('c: 3').c`;
      const told = async (line: string): Promise<string> => JSON.stringify((await cells.run(line)).messages);
      expect(await told(`%%cluster far --dry-run${code}`)).toMatch(/yaml +package +\d[\d.]* +sent/);
      expect(kept()).toEqual(before);
      expect(value(await cells.run(`%%cluster far${code}`))).toBe('3');
      expect(value(await cells.run(`%%cluster far${code}`))).toBe('3');
      expect(kept()).toHaveLength(2);
      expect(await told(`%%cluster far --dry-run${code}`)).toMatch(/yaml +package +\d[\d.]* +already there/);
      const image = `${code.length}-nowhere.sif`;
      expect(await told(`%%cluster far --dry-run --container /tmp/${image}\n1`)).toMatch(
        new RegExp(`Would send the cell alone.*/tmp/${image} +image +the cluster +not on `),
      );
      expect(await told('%cluster env diff far')).toMatch(/yaml +\d[\d.]* +there since job \w{6}/);
      expect(kept().filter((name) => name.endsWith('.part'))).toEqual([]);
    },
    LONG_MS,
  );

  testUnless(noNamespaces)(
    'a host without Node and without any network is given one, once, and runs packages with it',
    async () => {
      const code = `%%cluster bare\nimport { networkInterfaces } from 'node:os';\nimport { parse } from 'yaml';\nJSON.stringify([process.execPath.replace(/[0-9a-f]{64}/, 'DIGEST').split('/cache/')[1], process.version, parse('b: 2').b, Object.keys(networkInterfaces()).sort()])`;
      const expected = `'["cellburst/node/DIGEST/bin/node","${process.version}",2,["eth0","lo"]]'`;
      expect(value(await cells.run(code))).toBe(expected);
      expect(value(await cells.run(code))).toBe(expected);
    },
    LONG_MS,
  );

  test(
    'what a cluster lacks is told',
    async () => {
      const { messages } = await cells.run('%cluster env diff far');
      const shown = JSON.stringify(messages);
      expect(shown).toMatch(new RegExp(`Node\\.js +${process.versions.node} +${process.versions.node}`));
      expect(shown).toMatch(/bound +1\.2\.3 +its binary of here runs there/);
    },
    LONG_MS,
  );

  testUnless(noNamespaces)(
    'there, a package with a binary is installed by an npm that comes along, and asks for nothing',
    async () => {
      symlinkSync(join(ROOT, 'node_modules', 'zeromq'), join(kernel.directory, 'node_modules', 'zeromq'));
      const code = `%%cluster bare\nimport { version } from 'zeromq';\nversion.split('.').length`;
      const first = await cells.run(code);
      expect([value(first), first.stderr]).toEqual(['3', expect.stringMatching(/Installed in \d+ s/)]);
      expect((await cells.run(code)).stderr).toBe('');
    },
    LONG_MS,
  );

  test(
    'a host with another C library and no Node is told of, with what to do',
    async () => {
      const { reply } = await cells.run('%%cluster foreign\n1');
      expect(reply['evalue']).toMatch(
        /no Node\.js 18 or later on .*none can be brought: its C library is not glibc \(Linux \S+ unknown\)\. Install Node\.js there/,
      );
    },
    LONG_MS,
  );

  test(
    'a host whose C library is too old for a Node.js is told of before one is sent',
    async () => {
      const { reply } = await cells.run('%%cluster aged\n1');
      expect(reply['evalue']).toMatch(
        /no Node\.js 18 or later on .*none can be brought: its C library is glibc 2\.17, and that Node\.js needs 2\.\d+\. Set `node:`/,
      );
      expect(
        readdirSync(system.makeDirectory('aged-cache'), { recursive: true, encoding: 'utf8' }).filter((name) =>
          name.endsWith('/node'),
        ),
      ).toEqual([]);
    },
    LONG_MS,
  );

  testUnless(modulesMissing())(
    'site modules are loaded for what runs there, and one that is not there is named',
    async () => {
      expect(value(await cells.run('%%cluster modular\nprocess.env.LOADEDMODULES'))).toBe(`'null'`);
      const { reply } = await cells.run('%%cluster unloadable\n1');
      expect(reply['evalue']).toMatch(/the module nosuch\/1\.0 could not be loaded on /);
    },
    LONG_MS,
  );

  test(
    'a Node that the user has named is not replaced',
    async () => {
      const { reply } = await cells.run('%%cluster old\n1');
      expect(reply['evalue']).toMatch(
        /There is no \/nowhere\/node on .*Correct `node:` of this cluster, or leave it away/,
      );
    },
    LONG_MS,
  );

  testUnless(
    sshd.ok && sshd.user.ids === undefined ? 'only root can log in as somebody who does not see them' : undefined,
  )(
    'without them, the error says what to do',
    async () => {
      const { reply } = await cells.run(
        `%%cluster far --env-mode none\nimport { parse } from 'yaml';\nparse('c: 3').c`,
      );
      expect(reply['evalue']).toMatch(/Cannot find package 'yaml'.*--env-mode bundle brings what is installed here/s);
      expect(existsSync(join(store, 'environments'))).toBe(true);
    },
    LONG_MS,
  );
});
