// The environment of cells on a real batch system: their packages, with and without what is installed here, and what a site's modules and prologue lines do.
import { execFileSync } from 'node:child_process';
import { appendFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { value } from '../environment/cells';
import { writeProject } from '../environment/project';
import type { Clusters } from './notebook';
import { ROOT, type CellResult, type KernelClient } from '../kernel/client';
import { testUnless } from '../unless';

/** Why there is no `module` here; undefined: there is. Real Environment Modules, from the distribution where they are missing. */
export function modulesMissing(): string | undefined {
  const install = '. "$1/common.sh"; [ -r /usr/share/modules/init/sh ] || install environment-modules';
  try {
    execFileSync('bash', ['-c', `NAME=modules STATE=/tmp; ${install}`, 'bash', __dirname], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.split('\n').at(-2) : String(error);
  }
}

/** Clusters beside the plain one, for the config: what begins their jobs, and what they run in. */
export function moreClusters(scheduler: string, entry: readonly string[], images: Clusters): Clusters {
  const starts = {
    modular: ['modules: "null"'],
    unloadable: ['modules: ["null", nosuch/1.0]'],
    failing: ['prologue: [echo from the prologue, exit 3]'],
    ...images,
  };
  return Object.fromEntries(
    Object.entries(starts).map(([name, start]) => [name, [`scheduler: ${scheduler}`, ...entry, ...start]]),
  );
}

export function describePackages(
  scheduler: string,
  at: {
    readonly kernel: () => KernelClient;
    readonly run: (code: string) => Promise<CellResult>;
    readonly milliseconds: number;
  },
): void {
  const { kernel, run, milliseconds } = at;

  test(
    "packages of every kind are there as they are here, without a look at the notebook's folder",
    async () => {
      writeProject(kernel().directory);
      const answer = await run(
        `%%cluster ${scheduler} --env-mode bundle\nimport { distance } from 'fastest-levenshtein';\nimport { stringify } from 'devalue';\nimport { parse } from 'yaml';\nimport { near } from '@team/shape';\nimport patched from 'patched';\nimport { sum, plugin } from 'assets';\nimport { area } from '@lib/area';\n` +
          `JSON.stringify([distance('kitten', 'sitting'), stringify(1), parse('b: 2').b, near('cat', 'cut'), (patched as any).patched, sum('two', 40), plugin('loud')('hey'), area(3), require.resolve('yaml').startsWith(${JSON.stringify(kernel().directory)})])`,
      );
      expect(value(answer)).toBe(`'[3,"[1]",2,true,"yes",42,"HEY!",9,false]'`);
    },
    milliseconds,
  );

  test(
    'a package with a binary is installed by the first job, and by no other',
    async () => {
      symlinkSync(join(ROOT, 'node_modules', 'zeromq'), join(kernel().directory, 'node_modules', 'zeromq'));
      appendFileSync(join(kernel().directory, 'node_modules', 'patched', 'mod.js'), '// changed\n');
      const code = `%%cluster ${scheduler} --env-mode npm --memory 4GB\nimport { version } from 'zeromq';\nimport patched from 'patched';\n[version.split('.').length, (patched as any).patched]`;
      const first = await run(code);
      expect([value(first), first.stderr]).toEqual([`[ 3, 'yes' ]`, expect.stringMatching(/Installed in \d+ s/)]);
      const second = await run(code);
      expect([value(second), second.stderr]).toEqual([`[ 3, 'yes' ]`, '']);
    },
    milliseconds,
  );

  testUnless(modulesMissing())(
    'site modules are loaded before the cell, and one that is not there is named',
    async () => {
      expect(value(await run('%%cluster modular\nprocess.env.LOADEDMODULES'))).toBe(`'null'`);
      const { reply } = await run('%%cluster unloadable\n1');
      expect(`${String(reply['ename'])}: ${String(reply['evalue'])}`).toMatch(
        /^JobEnvironmentError: .*could not be loaded.*the module nosuch\/1\.0 could not be loaded on /s,
      );
    },
    milliseconds,
  );

  test(
    'a prologue that ends the job is told of, with what it printed',
    async () => {
      const { reply } = await run('%%cluster failing\n1');
      expect(`${String(reply['ename'])}: ${String(reply['evalue'])}`).toMatch(
        /^JobEnvironmentError: .*exit code 3 before the cell began.*from the prologue/s,
      );
    },
    milliseconds,
  );
}
