// `npm run pack`: what is published, into build/packages: the npm package with kernel and extension, and the wheel with the extension alone. Needs no network.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { licenceTexts, refuseUnknownLicences, shippedParts } from './pack/licences.mjs';
import { wheel } from './pack/wheel.mjs';
import { runScript, setUp } from './setup.mjs';
import { dist, root } from './setup/places.mjs';

const output = join(root, 'build', 'packages');
const LICENCES = 'THIRD-PARTY-LICENSES.txt';

await runScript(async () => {
  await setUp({ jupyter: false });
  const { bundled, installed, extension } = await shippedParts();
  refuseUnknownLicences([...bundled, ...installed, ...extension]);
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  // With it in the package; what npm installs beside brings its own.
  writeFileSync(join(dist, LICENCES), licenceTexts(bundled));
  const { version, file: tarball } = packNpm();
  const license = readFileSync(join(root, 'LICENSE'), 'utf8');
  const made = wheel({ version, extension: join(dist, 'labextension'), license, thirdParty: licenceTexts(extension) });
  writeFileSync(join(output, made.file), made.bytes);
  console.log([tarball, made.file].map((name) => join('build', 'packages', name)).join('\n'));
  return 0;
});

function packNpm() {
  const args = ['pack', '--json', '--ignore-scripts', '--offline', '--pack-destination', output];
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const said = execFileSync(npm, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const [{ version, filename }] = Object.values(JSON.parse(said));
  return { version, file: filename };
}
