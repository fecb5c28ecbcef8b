// The npm packages: what package-lock.json says must be what lies in node_modules. Looked up package by package (some 30 ms), so no stamp can
// go stale.
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './places.mjs';
import { run, SetupError, step } from './progress.mjs';

const FOLDER = 'node_modules/';
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
  if (!existsSync(modules)) return 'none are installed yet';
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  for (const [path, { version, optional, link }] of Object.entries(packages)) {
    // The project itself and its workspaces are no packages that npm installs.
    if (!path.includes(FOLDER) || link === true) continue;
    const found = installedVersion(path);
    // What is optional may be for another platform.
    if (found === undefined && optional !== true) return `${nameOf(path)} is missing`;
    if (found !== undefined && found !== version) return `${nameOf(path)} is ${found}, not ${version}`;
  }
  return undefined;
}

function installedVersion(path) {
  const manifest = join(root, path, 'package.json');
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : undefined;
}

function nameOf(path) {
  return path.slice(path.lastIndexOf(FOLDER) + FOLDER.length);
}
