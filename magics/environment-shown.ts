// `%cluster env`: what the notebook runs with, what a cluster lacks of it, and a lock to tell later what has changed.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { packagesThere, type Brought, type ImageAhead } from './brought';
import type { AgentConnection } from './client';
import { clusterAt, type ClusterSession } from './cluster';
import type { ClusterConfig } from './config';
import { didYouMean } from './config/nearest';
import {
  compareLock,
  compareLockFile,
  lockPath,
  misfit,
  readLock,
  readSpec,
  restoreLine,
  writeLock,
  type EnvironmentSpec,
  type SpecPackage,
} from './environment';
import { pointAt, type MagicLine, type Word } from './line';
import type { HostFacts } from './protocol/host-facts';
import { tellPlugAndPlay } from './protocol/package-manager';
import { showTable, showText, type Shown } from './show';
import { seenOf } from './show-capture';

export const ENV_VERBS = ['diff', 'lock'] as const;

/** What of a notebook's session it asks. */
export type EnvironmentSession = Pick<
  ClusterSession,
  'directory' | 'notebook' | 'clusters' | 'configOf' | 'defaultCluster'
>;

interface Call {
  readonly words: readonly Word[];
  readonly line: MagicLine;
  readonly session: EnvironmentSession;
  readonly agent: () => Promise<AgentConnection>;
}

export async function runEnv({ words, line, session, agent }: Call): Promise<Shown> {
  const [verb, name, extra] = words;
  if (extra !== undefined) throw pointAt(line.text, extra, '%cluster env: one too many.');
  if (verb === undefined) return showSpec(specOf(session), session);
  if (verb.text === 'lock') {
    if (name !== undefined) throw pointAt(line.text, name, '%cluster env lock takes nothing more.');
    return lock(session);
  }
  if (verb.text !== 'diff')
    throw pointAt(line.text, verb, `%cluster env has no ${verb.text}.${didYouMean(verb.text, ENV_VERBS)}`);
  const cluster = name?.text ?? session.defaultCluster;
  if (!session.clusters.includes(cluster))
    throw pointAt(
      line.text,
      name ?? verb,
      `There is no cluster ${JSON.stringify(cluster)}.${didYouMean(cluster, session.clusters)}`,
    );
  const connection = await agent();
  const known = await clusterAt(connection, cluster, session);
  const config = session.configOf(cluster);
  const container = config?.container;
  return showDifferences(readSpec(session.directory), await connection.facts(known), {
    name: cluster,
    isHere: usesInPlace(config),
    brought: usesInPlace(config) ? new Map() : await packagesThere(connection, known),
    ...(container === undefined
      ? {}
      : { image: { image: container.image, seen: await connection.image(known, container) } }),
  });
}

/** Do cells find the packages of this machine where they run? */
function usesInPlace(config: ClusterConfig | undefined): boolean {
  return config?.host === undefined && config?.container === undefined;
}

/** With what the default cluster's config sets for cells. */
function specOf(session: EnvironmentSession): EnvironmentSpec {
  return readSpec(session.directory, session.configOf(session.defaultCluster)?.variables);
}

const SHOWN_PACKAGES = 100;

function showSpec(spec: EnvironmentSpec, session: EnvironmentSession): Shown {
  const { host, project, packages, tsconfig, digest, variables } = spec;
  const cluster = session.defaultCluster;
  const plugAndPlay = tellPlugAndPlay(session.directory);
  const { container } = session.configOf(cluster) ?? {};
  const isInPlace = usesInPlace(session.configOf(cluster));
  const path = lockPath(session.directory, session.notebook);
  const locked = readLock(path);
  const changes = locked === undefined ? undefined : compareLock(locked, spec);
  const head = [
    `Node.js ${host.node} (ABI ${host.abi}) on ${host.os}-${host.arch}${host.libc === '' ? '' : `, ${host.libc}`}`,
    project === undefined
      ? 'No package.json above the notebook: all that is installed counts.'
      : `Project: ${project.directory}${project.lockFile === undefined ? ', without a lock file' : `, locked by ${project.lockFile}`}`,
    ...(tsconfig === undefined ? [] : [`Aliases and options: ${tsconfig}`]),
    ...(container === undefined ? [] : [`Image: ${container.image}`]),
    ...Object.entries(variables).map(([variable, value]) => `Set for cells: ${variable}=${value}`),
    ...describeStale(spec),
    ...(plugAndPlay === undefined ? [] : [plugAndPlay]),
    `Digest: ${digest}`,
    ...(changes === undefined || locked === undefined
      ? []
      : [describeChanges(changes, path, restoreLine(locked, spec))]),
  ];
  const rows = packages
    .slice(0, SHOWN_PACKAGES)
    .map(({ name, version, place, from, native }) => [
      name,
      version,
      from === 'workspace' ? 'workspace' : place,
      native === undefined ? '' : `binary (${native})`,
      isInPlace ? 'used in place' : native === undefined ? 'travels' : 'installed there',
    ]);
  const value = changes === undefined ? spec : { ...spec, lock: { path, changes } };
  if (rows.length === 0) return { ...showText([...head, 'No packages are installed.'].join('\n')), value };
  const more = packages.length > rows.length ? `… and ${packages.length - rows.length} more` : '';
  return { ...showTable(['package', 'version', 'from', '', `for ${cluster}`], rows, head.join('\n'), more), value };
}

/** Where something else is installed than the project's lock file says. */
function describeStale({ project, packages }: EnvironmentSpec): string[] {
  const { lockFile, manager } = project ?? {};
  if (lockFile === undefined || manager === undefined) return [];
  const stale = compareLockFile(manager, readFileSync(lockFile, 'utf8'), packages);
  return stale.length === 0
    ? []
    : [`What is installed counts, and it is not what ${basename(lockFile)} says:`, ...stale.map((line) => `  ${line}`)];
}

function describeChanges(changes: readonly string[], path: string, restore: string | undefined): string {
  if (changes.length === 0) return `As locked in ${path}.`;
  return [
    `Changed since it was locked in ${path}:`,
    ...changes.map((change) => `  ${change}`),
    ...(restore === undefined ? [] : [`To have it as it was: ${restore}`]),
  ].join('\n');
}

function lock(session: EnvironmentSession): Shown {
  const spec = specOf(session);
  const path = lockPath(session.directory, session.notebook);
  writeLock(path, spec);
  const count = `${spec.packages.length} package${spec.packages.length === 1 ? '' : 's'}`;
  const text = `Locked ${count} and Node.js ${spec.host.node} in ${path}. %cluster env tells what has changed since.`;
  return { ...showText(text), value: { path, ...spec } };
}

interface ClusterThere {
  readonly name: string;
  readonly isHere: boolean;
  readonly brought: ReadonlyMap<string, Brought>;
  readonly image?: ImageAhead;
}

function showDifferences(spec: EnvironmentSpec, there: HostFacts, cluster: ClusterThere): Shown {
  const here = spec.host;
  const { name, isHere, brought, image } = cluster;
  const broughtOf = (one: SpecPackage): Brought | undefined => brought.get(`${one.name} ${one.version}`);
  const natives = spec.packages.filter(({ native }) => native !== undefined);
  const plain = spec.packages.filter(({ native }) => native === undefined);
  const rows = [
    ['Node.js', here.node, there.node, nodeSkew(here, there)],
    ['machine', `${here.os}-${here.arch}`, `${there.os}-${there.arch}`, ''],
    ['C library', here.libc, there.libc, ''],
    [
      'npm',
      here.npm ?? 'none',
      there.npm ?? 'none',
      there.npm === undefined && !isHere ? 'brought where it is needed' : '',
    ],
    ...(image === undefined ? [] : [['image', image.image, '', seenOf(image)]]),
    ...natives.map((one) => [one.name, one.version, thereInWords(broughtOf(one)), verdictOn(one, here, there, isHere)]),
    ...(isHere ? [] : plain.slice(0, SHOWN_PACKAGES)).map((one) => [
      one.name,
      one.version,
      thereInWords(broughtOf(one)),
      '',
    ]),
  ];
  const after = isHere
    ? `${name} takes the packages of this machine in place.`
    : `${plain.length} packages are plain JavaScript: what a cell reaches of them travels along, once for each set of packages (--dry-run tells of a cell).`;
  const packages = spec.packages.map((one) => ({ ...one, there: broughtOf(one) }));
  const value = { cluster: name, here, there, packages, ...(image === undefined ? {} : { image }) };
  return { ...showTable(['', 'here', name, ''], rows, '', after), value };
}

function thereInWords(brought: Brought | undefined): string {
  if (brought === undefined) return '';
  return `${brought.isInstalled ? 'installed' : 'there'} since job ${brought.job}`;
}

function nodeSkew(here: HostFacts, there: HostFacts): string {
  const [major, majorThere] = [here, there].map(({ node }) => node.split('.')[0]);
  return major === majorThere ? '' : 'another release line: what the language and Node offer differs';
}

function verdictOn(
  { isFree, isVariant, glibc }: SpecPackage,
  here: HostFacts,
  there: HostFacts,
  isHere: boolean,
): string {
  if (isHere) return 'used in place';
  const why = misfit(here, there, isFree, glibc);
  if (why === undefined) return 'its binary of here runs there';
  return isVariant ? `another one is fetched for it: ${why}` : `is built there: ${why}`;
}
