// Nothing of the machine where a file was written belongs into the file: paths, registries, names. Looks at what git keeps (and would keep).
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import { join, sep } from 'node:path';
import { root } from './setup/places.mjs';

/** A package is named, never its registry: each user has their own. */
const REGISTRIES = [
  ['registry', 'npmjs', 'org'],
  ['registry', 'yarnpkg', 'com'],
  ['npm', 'pkg', 'github', 'com'],
  ['files', 'pythonhosted', 'org'],
].map((parts) => parts.join('.'));

/** Words that do not belong into a product's files, by digest (this file is checked too). */
const WORDS = new Set([
  '29447fab346b1477',
  '386ebc0efd04339a',
  '3ea125d0bff386e6',
  '487b91042c7cf27a',
  '60965168ce762e94',
  '7d3194f79e645c42',
  '94a168d2da574b00',
  'c70eca6b0f88f44d',
  'c857d09db23e6822',
  'd298391b07433318',
  'de2187af3fb01170',
]);

/** Folders that many machines have. */
const COMMON_FOLDERS = new Set(['home', 'Users', 'tmp', 'usr', 'opt', 'var', 'srv', 'mnt', 'private', 'app', 'src']);

const machinePlaces = placesOfThisMachine();
const hosts = hostsOfThisMachine();

const problems = committedFiles().flatMap((file) => check(file, readFileSync(join(root, file), 'utf8')));
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}

function committedFiles() {
  const options = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  const names = execFileSync('git', options, { cwd: root, encoding: 'utf8' }).split('\0');
  return names.filter((name) => name !== '' && statSync(join(root, name), { throwIfNoEntry: false })?.isFile());
}

function check(file, text) {
  const found = [];
  text.split('\n').forEach((line, index) => {
    for (const reason of reasons(line)) found.push(`${file}:${index + 1}: ${reason}`);
  });
  return found;
}

function* reasons(line) {
  for (const place of machinePlaces) if (beginsIn(line, place)) yield `holds a path of this machine (${place})`;
  for (const host of hosts) if (line.includes(host)) yield `names a package registry or this machine (${host})`;
  // A digest in base64 spells any word by chance.
  if (/^\s*"integrity": /.test(line)) return;
  for (const word of line.toLowerCase().match(/[a-z][a-z-]+/g) ?? [])
    if (WORDS.has(digestOf(word))) yield `holds a word that does not belong here (${word})`;
}

/** Is the place in the line as the beginning of a path, and not as the middle of another one? */
function beginsIn(line, place) {
  for (let at = line.indexOf(place); at !== -1; at = line.indexOf(place, at + 1))
    if (!/[\w.~-]/.test(line[at - 1] ?? ' ')) return true;
  return false;
}

function placesOfThisMachine() {
  const git = execFileSync('git', ['rev-parse', '--path-format=absolute', '--git-common-dir'], {
    cwd: root,
    encoding: 'utf8',
  });
  const top = root.split(sep)[1] ?? '';
  const folder = COMMON_FOLDERS.has(top) || top === '' || top.endsWith(':') ? [] : [`${sep}${top}${sep}`];
  return [...new Set([root, git.trim(), `${homedir()}${sep}`, ...folder])].filter((place) => place.length > 3);
}

function hostsOfThisMachine() {
  const asked = process.env['npm_config_registry'] ?? '';
  const registry = URL.canParse(asked) ? new URL(asked).hostname : undefined;
  // A short or generic name would be found in honest text.
  const own = /[-.\d]/.test(hostname()) && hostname().length > 6 ? [hostname()] : [];
  const names = registry === undefined || /^(localhost|[\d.]+)$/.test(registry) ? [] : [registry];
  return [...new Set([...REGISTRIES, ...names, ...own])];
}

function digestOf(word) {
  return createHash('sha256').update(word).digest('hex').slice(0, 16);
}
