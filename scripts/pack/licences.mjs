// Whose software is shipped, and under which licences: what the programs have bundled in them, and what npm installs beside them. Only licences that let anybody use
// the whole pass; a new one stops the build until somebody has read it.
import { build } from 'esbuild';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { bundles } from '../setup/bundles.mjs';
import { dist, root } from '../setup/places.mjs';
import { SetupError } from '../setup/progress.mjs';

/** SPDX words, each read and found permissive. */
const PERMISSIVE = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Python-2.0',
  'Unlicense',
]);
/** What is not, and why it may be there all the same. */
const READ = {
  'zeromq: MIT AND MPL-2.0': 'libzmq, unchanged and in a file of its own, which is all that the MPL asks',
};
/**
 * Of optional packages whose manifests say it in the old way, which a lock file does not repeat. Where they cannot be built, for want of a compiler, npm takes
 * them away, and the list has to be the same there.
 */
const SAID_ELSEWHERE = { buildcheck: 'MIT', 'cpu-features': 'MIT' };

/**
 * @typedef {{ name: string, version: string, license: string, text: string, note?: string }} Part
 * @returns {Promise<{ bundled: Part[], installed: Part[], extension: Part[] }>} sorted by name
 */
export async function shippedParts() {
  const inputs = await Promise.all(
    bundles().map((options) => build({ ...options, write: false, metafile: true, sourcemap: false })),
  );
  const paths = inputs.flatMap(({ metafile }) => Object.keys(metafile.inputs));
  return {
    bundled: bundledParts(new Set(paths.flatMap(packageOf))),
    installed: installedParts(),
    extension: extensionParts(),
  };
}

/** Throws SetupError that names what nobody has read. */
export function refuseUnknownLicences(parts) {
  const unread = parts.filter(({ name, license }) => !isPermissive(license) && !(`${name}: ${license}` in READ));
  if (unread.length === 0) return;
  throw new SetupError(
    `These licences are not known to be permissive: ${unread.map(({ name, license }) => `${name} (${license})`).join(', ')}. Read them, and note it in scripts/pack/licences.mjs, or ship something else.`,
  );
}

/** `MIT`, `(MIT OR GPL-2.0)`, `MIT AND ISC`. */
export function isPermissive(expression) {
  const plain = expression.replace(/[()]/g, ' ');
  return plain.split(/\sAND\s/).every((all) => all.split(/\sOR\s/).some((one) => PERMISSIVE.has(one.trim())));
}

/** One text with all that the licences want to be passed on. */
export function licenceTexts(parts) {
  const blocks = parts.map(({ name, version, license, text }) => `${name} ${version} (${license})\n\n${text.trim()}\n`);
  return [
    'Software of others that is part of Cellburst',
    '',
    ...blocks.flatMap((block) => ['-'.repeat(80), block]),
  ].join('\n');
}

function packageOf(path) {
  const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path) ?? [];
  return name === undefined ? [] : [path.slice(0, path.lastIndexOf(`node_modules/${name}/`)) + `node_modules/${name}`];
}

/** What `npm install cellburst` brings, by the lock file: the same list on every machine. */
function installedParts() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const shipped = Object.entries(packages).filter(
    ([place, { dev, devOptional, link }]) => place.startsWith('node_modules/') && !dev && !devOptional && !link,
  );
  const parts = shipped.map(([place, { version, license, os, cpu }]) => {
    const name = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
    // One of them is installed, the one for the machine.
    const isForOneMachine = os !== undefined || cpu !== undefined;
    return part(isForOneMachine ? name.replace(/\/.*/, '/*') : name, version, license ?? licenceOf(place, name), '');
  });
  return sorted(parts);
}

function licenceOf(place, name) {
  return existsSync(join(root, place, 'package.json')) ? manifest(place).license : SAID_ELSEWHERE[name];
}

function bundledParts(places) {
  return sorted(
    [...places].map((place) => {
      const { name, version, license } = manifest(place);
      return part(name, version, license, licenceText(place));
    }),
  );
}

function manifest(place) {
  const { name, version, license, licenses } = JSON.parse(readFileSync(join(root, place, 'package.json'), 'utf8'));
  const said = license ?? licenses;
  return { name, version, license: typeof said === 'string' ? said : (said?.type ?? said?.[0]?.type) };
}

function part(name, version, license = 'none', text) {
  const note = READ[`${name}: ${license}`];
  return { name, version, license, text, ...(note === undefined ? {} : { note }) };
}

function sorted(parts) {
  return unique(parts).sort((a, b) => (`${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1));
}

function unique(parts) {
  return [...new Map(parts.map((part) => [`${part.name}@${part.version}`, part])).values()];
}

function licenceText(place) {
  const files = readdirSync(join(root, place)).filter((name) => /^(licen[cs]e|copying|notice)/i.test(name));
  return files.map((name) => readFileSync(join(root, place, name), 'utf8')).join('\n');
}

/** As JupyterLab's builder has noted it. */
function extensionParts() {
  const { packages } = JSON.parse(
    readFileSync(join(dist, 'labextension', 'static', 'third-party-licenses.json'), 'utf8'),
  );
  return packages.map(({ name, versionInfo, licenseId, extractedText }) => ({
    ...{ name, version: versionInfo, license: licenseId, text: extractedText },
  }));
}
