// The npm packages: what package-lock.json says must be what lies in node_modules. npm notes what it installed in a lock file of its own,
// so no stamp of ours can go stale.
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './places.mjs';
import { run, SetupError, step } from './progress.mjs';

const modules = join(root, 'node_modules');

export async function installPackages() {
  const problem = outOfDate();
  if (problem === undefined) return;
  if (existsSync(modules) && lstatSync(modules).isSymbolicLink())
    throw new SetupError(
      `node_modules does not hold what package-lock.json asks for (${problem}), and it is a link, which npm would replace. Run \`npm ci\` where it points to.`,
    );
  await step(`installing npm packages (${problem})`, () => npm(['ci', '--no-fund', '--no-audit'], root));
}

/**
 * Runs npm, by the npm that runs us where there is one.
 * @param {readonly string[]} args
 * @param {string} cwd
 */
export async function npm(args, cwd) {
  const advice = 'npm could not install. Is the network there, and does `npm ping` answer? Then run the command again.';
  const cli = process.env['npm_execpath'];
  // On Windows npm is a script that only a shell starts; npm tells its own path to what it runs.
  if (cli !== undefined && cli.endsWith('.js')) return run(process.execPath, [cli, ...args], { cwd, advice });
  return run('npm', args, { cwd, advice });
}

/** @returns {string | undefined} what differs, or nothing when all is as it should be */
function outOfDate() {
  const noted = join(modules, '.package-lock.json');
  if (!existsSync(noted)) return 'none are installed yet';
  const wanted = packagesOf(join(root, 'package-lock.json'));
  const present = packagesOf(noted);
  for (const [path, { version, optional }] of wanted) {
    const found = present.get(path);
    if (found === undefined && optional !== true) return `${nameOf(path)} is missing`;
    if (found !== undefined && found.version !== version) return `${nameOf(path)} is ${found.version}, not ${version}`;
  }
  return undefined;
}

function packagesOf(lock) {
  const { packages } = JSON.parse(readFileSync(lock, 'utf8'));
  return new Map(Object.entries(packages).filter(([path, entry]) => path !== '' && entry.link !== true));
}

function nameOf(path) {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}
