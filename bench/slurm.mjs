// A real Slurm and a real sshd for rows and commands of the bench: started for them, and ended with them.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from '../scripts/load.mjs';

/**
 * @param {import('./row.mjs').Bench} bench
 * @returns {Promise<{ environment: NodeJS.ProcessEnv, close(): Promise<void> }>} for kernels and for Slurm's own commands
 */
export function startSlurm(bench) {
  return bench.own(
    load('tests/clusters/open.ts').then(({ openSystem }) => {
      const system = openSystem('slurm');
      if (!system.ok) throw new Error(`Slurm cannot be started here: ${system.reason}.`);
      const config = join(bench.directory, 'config.yaml');
      writeFileSync(config, 'clusters:\n  slurm: { scheduler: slurm }\n');
      return {
        environment: { ...bench.environment, ...system.settings, CELLBURST_CONFIG: config },
        close: async () => system.stop(),
      };
    }),
  );
}

/**
 * A host that is reached over SSH, as cluster `far`.
 * @param {import('./row.mjs').Bench} bench
 * @returns {Promise<NodeJS.ProcessEnv>}
 */
export async function startSshd(bench) {
  const { openSystem } = await load('tests/clusters/open.ts');
  const system = openSystem('sshd');
  if (!system.ok) throw new Error(`sshd cannot be started here: ${system.reason}.`);
  await bench.own(Promise.resolve({ close: async () => system.stop() }));
  const config = join(bench.directory, 'far.yaml');
  const { SSHD_CONFIG = '' } = system.settings;
  const lines = ['clusters:', '  far:', '    scheduler: none', '    host: cb-login', `    sshConfig: ${SSHD_CONFIG}`];
  writeFileSync(config, `${[...lines, `    store: ${system.makeDirectory('store')}`].join('\n')}\n`);
  return { ...bench.environment, CELLBURST_CONFIG: config };
}
