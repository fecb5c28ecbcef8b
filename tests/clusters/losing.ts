// A submit command whose answer can be lost: the batch system's own, behind a shell script of its name.
import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Writes `folder/command`. A file `folder/lose` has its next call go wrong, once: `lost`, the job is made and the client complains; `hangs-after` and
 * `hangs-before`, the answer never comes, and the job is made or not.
 * @param complaint how this client says that its question was sent and the answer never came
 * @param path where the real one is looked for
 */
export function writeLosing(
  folder: string,
  command: string,
  complaint: string,
  path: string | undefined = process.env['PATH'],
): void {
  const env = { ...process.env, PATH: path };
  const real = execFileSync('sh', ['-c', `command -v ${command}`], { encoding: 'utf8', env }).trim();
  const how = [
    `lost) ${real} "$@" >/dev/null; echo '${complaint}' >&2; exit 1 ;;`,
    `hangs-after) ${real} "$@" >/dev/null; exec sleep 60 ;;`,
    'hangs-before) exec sleep 60 ;;',
  ];
  const lose = `if [ -e ${folder}/lose ]; then how=$(cat ${folder}/lose); rm -f ${folder}/lose; case $how in ${how.join(' ')} esac; fi`;
  const program = join(folder, command);
  writeFileSync(program, `#!/bin/sh\n${lose}\nexec ${real} "$@"\n`);
  chmodSync(program, 0o755);
}
