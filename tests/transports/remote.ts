// Cells of a real kernel on a host that is reached over a real sshd: as another user, with its own agent, whose directory nobody here can see.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { LONG_MS, cutConnection, detach, hostEntry, runIn, startBefore, text } from '../clusters/notebook';
import { describeOn, type OpenedSystem } from '../clusters/open';
import type { KernelClient } from '../kernel/client';
import { endProcesses, processesWith } from '../notebook/processes';
import { connectAgent } from '../../magics/client';

export interface Given {
  readonly system: OpenedSystem;
  readonly transport: 'ssh2' | 'openssh';
}

export function describeRemoteCells({ system: given, transport }: Given): void {
  describeOn(`cells over ${transport}`, given, (system) => {
    let kernel: KernelClient;
    let store = '';
    beforeAll(async () => {
      store = system.makeDirectory('store');
      kernel = await startBefore(system, {
        // What a login shell may print.
        far: [
          ...hostEntry(system),
          `transport: ${transport}`,
          `store: ${store}`,
          'setup: echo Welcome to the cluster!',
        ],
      });
    });
    afterAll(async () => {
      await kernel.stop();
      await endProcesses(`CELLBURST_STATE_DIR=${store}`);
    });
    const run = runIn(() => kernel);

    test(
      'a cell runs there as whoever logs in, and its values come back',
      async () => {
        await run('const given = [1, 2, 3]; class Point { constructor(public x: number) {} }');
        const { result, reply } = await run(
          `%%cluster far --cores 2\nimport { userInfo } from 'node:os';\ngiven.push(4);\nconst point = new Point(given.length);\nconsole.log('it is me');\nuserInfo().username`,
        );
        expect([reply['status'], reply['evalue']]).toEqual(['ok', undefined]);
        expect(text(result)).toBe(`'${system.user.name}'`);
        expect(text((await run('[given.length, point instanceof Point, point.x]')).result)).toBe('[ 4, true, 4 ]');
        expect(installed()).toHaveLength(1);
      },
      LONG_MS,
    );

    test(
      'the doctor looks at every step of the way, and says of a broken one what to do',
      async () => {
        const { result } = await run('%cluster doctor far');
        const found = text(result);
        for (const check of [
          'reach',
          'login shell',
          'Node.js there',
          'clock',
          'host agent',
          'store',
          'space',
          'limits',
        ])
          expect(found).toMatch(new RegExp(`^✓ +${check} `, 'm'));
        expect(found).toMatch(/^✓ +login shell .* prints 1 line, which we skip/m);
        expect(found).toMatch(/^✓ +a tiny job +ran on \S+ \(Node v\d+\.\d+\.\d+\) and came back/m);
        expect(found).toContain('Everything is in place.');
        const config = join(kernel.directory, 'cellburst.yaml');
        writeFileSync(config, 'clusters: { far: { node: /nowhere/node } }\n');
        const broken = text((await run('%cluster doctor far')).result);
        rmSync(config);
        expect(broken).toMatch(/^✗ +Node\.js there +there is no \/nowhere\/node .*Set node:/m);
        expect(broken).not.toContain('a tiny job');
      },
      LONG_MS,
    );

    test(
      'large values go there and come back whole',
      async () => {
        await run('const large = Float64Array.from({ length: 3_000_000 }, (_, i) => i / 3);');
        const { result } = await run(
          '%%cluster far\nlarge[5] = -1; const twice = large.map((x) => 2 * x); twice.length',
        );
        expect(text(result)).toBe('3000000');
        const { result: here } = await run('[large[5], twice[5], twice[2_999_999] === 2 * large[2_999_999]!]');
        expect(text(here)).toBe('[ -1, -2, true ]');
      },
      LONG_MS,
    );

    test(
      'a bundle whose way is cut goes on where it was, and the job runs once',
      async () => {
        await run('const heavy = Float64Array.from({ length: 10_000_000 }, (_, i) => i);');
        const runs = join(store, 'runs');
        const id = await kernel.startCell(
          `%%cluster far\nimport { appendFileSync } from 'node:fs';\nappendFileSync(${JSON.stringify(runs)}, 'x');\n[heavy.length, heavy[9_999_999]]`,
        );
        const deadline = Date.now() + LONG_MS;
        while (!hasPart(store) && Date.now() < deadline) await pause(5);
        expect(hasPart(store)).toBe(true);
        await cutConnection(store);
        const { reply, result } = await kernel.outcome(id, performance.now(), LONG_MS);
        expect(reply).toMatchObject({ status: 'ok' });
        expect(text(result)).toBe('[ 10000000, 9999999 ]');
        expect(readFileSync(runs, 'utf8')).toBe('x');
      },
      LONG_MS,
    );

    test(
      "a project's config changes what a cluster is for its notebooks only",
      async () => {
        const config = join(kernel.directory, 'cellburst.yaml');
        writeFileSync(config, 'clusters: { far: { defaults: { cores: 2 } } }\n');
        const cores = async () => {
          const job = await detach(run, '%%cluster far --detach\n1');
          const { result } = await run('%cluster jobs');
          await run(`%cluster attach ${job}`);
          return new RegExp(`${job} +\\S+ .*? (\\d+) +far `).exec(text(result))?.[1];
        };
        expect(await cores()).toBe('2');
        rmSync(config);
        expect(await cores()).toBe('1');
      },
      LONG_MS,
    );

    test(
      'a file goes there once, comes back, and what has not changed does not go again',
      async () => {
        const path = join(kernel.directory, 'large-file');
        const bytes = randomBytes(6_000_000);
        writeFileSync(path, bytes);
        const stateDirectory = join(kernel.directory, 'state');
        await using agent = await connectAgent({ stateDirectory, isPassive: true });
        const { signal } = new AbortController();
        const first = await agent.store.send({ cluster: 'far', path }, { signal });
        expect(first).toMatchObject({ kind: 'file', bytes: bytes.length, sentBytes: bytes.length });
        bytes.fill(7, 3_000_000, 3_001_000);
        writeFileSync(path, bytes);
        const second = await agent.store.send({ cluster: 'far', path }, { signal });
        expect(second.sentBytes).toBeLessThan(2_200_000);
        expect((await agent.store.send({ cluster: 'far', path }, { signal })).sentBytes).toBe(0);
        const there = join(store, 'placed');
        await agent.store.place({ cluster: 'far', content: second.content, path: there }, signal);
        const to = join(kernel.directory, 'came-back');
        await agent.store.fetch({ cluster: 'far', path: there, to }, { signal });
        expect(readFileSync(to).equals(bytes)).toBe(true);
      },
      LONG_MS,
    );

    test(
      'a lack of memory there is told as one',
      async () => {
        const { reply } = await run(
          `%%cluster far --memory 200MB\nconst kept: Buffer[] = [];\nfor (;;) { kept.push(Buffer.alloc(20_000_000, 1)); await new Promise((go) => setTimeout(go, 20)); }`,
        );
        expect(reply).toMatchObject({ status: 'error', ename: 'OutOfMemoryError' });
        expect(String(reply['evalue'])).toMatch(/out of memory/);
      },
      LONG_MS,
    );

    test(
      'a connection that is cut again and again loses nothing, and doubles nothing',
      async () => {
        const lines = 200;
        const id = await kernel.startCell(
          `%%cluster far\nfor (let i = 0; i < ${lines}; i++) { console.log('line', i); await new Promise((go) => setTimeout(go, 25)); }\n'whole'`,
        );
        await kernel.printed(id, 'line 10\n');
        for (let cut = 0; cut < 3; cut++) {
          await cutConnection(store);
          await pause(1000);
        }
        const { stdout, result, reply } = await kernel.outcome(id, performance.now(), LONG_MS);
        expect(reply).toMatchObject({ status: 'ok' });
        expect(text(result)).toBe("'whole'");
        expect(stdout).toBe(Array.from({ length: lines }, (_, i) => `line ${i}\n`).join(''));
      },
      LONG_MS,
    );

    test('what has come home is not kept there', async () => {
      await pause(500);
      const kept = execFileSync('sh', ['-c', `ls ${store}/jobs`], { encoding: 'utf8' });
      expect(kept).toBe('');
    });

    function installed(): string[] {
      const found = execFileSync('sh', ['-c', `ls ${system.settings['SSHD_HOME']}/.cache/cellburst/programs`], {
        encoding: 'utf8',
      });
      const mine = processesWith(`CELLBURST_STATE_DIR=${store}`)
        .map(({ command }) => command)
        .join('\n');
      return found.split('\n').filter((digest) => digest !== '' && mine.includes(digest));
    }
  });
}

/** Part of a bundle has arrived there. */
function hasPart(store: string): boolean {
  const contents = join(store, 'store');
  return existsSync(contents) && readdirSync(contents).some((name) => name.endsWith('.journal'));
}
