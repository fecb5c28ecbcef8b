// What matters of a machine to the packages that shall run there.
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { cpus } from 'node:os';
import type { Machine } from './run';
import { isObject, record, text, type Shape, type Shaped } from './shape';

const shape = record(
  {
    /** `20.20.2` */
    node: text,
    /** NODE_MODULE_VERSION: what add-ons without Node-API are bound to. */
    abi: text,
    /** `linux`, `x64` as Node calls them. */
    os: text,
    arch: text,
    /** `glibc 2.36`, `musl`, or '' where there is but one. */
    libc: text,
  },
  { /** Its version, where there is one beside Node or on PATH. */ npm: text },
);
export type HostFacts = Shaped<typeof shape>;
export const hostFacts: Shape<HostFacts> = shape;

let known: HostFacts | undefined;

/** Of the machine that this runs on. */
export function ownFacts(): HostFacts {
  if (known !== undefined) return known;
  const program = findNpm();
  const npm = program === undefined ? undefined : versionIn(dirname(dirname(program)));
  known = {
    node: process.versions.node,
    abi: process.versions.modules,
    os: process.platform,
    arch: process.arch,
    libc: readLibc(),
    ...(npm === undefined ? {} : { npm }),
  };
  return known;
}

let machine: Machine | undefined;

export function ownMachine(): Machine {
  machine ??= {
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    libc: readLibc(),
    cpu: cpus()[0]?.model.trim() ?? '',
  };
  return machine;
}

/** What binaries are bound to: `linux-x64-glibc-115`. */
export function platformTag({ os, arch, libc, abi }: HostFacts): string {
  return [os, arch, ...libc.split(' ').slice(0, 1).filter(Boolean), abi].join('-');
}

/** What this Node.js reports of itself: `glibcVersionRuntime` and `glibcVersionCompiler` among it, where that is its C library. */
export function reportHeader(): Readonly<Record<string, unknown>> {
  // The report asks for host names of all connections otherwise, and waits for them (Node 22).
  Reflect.set(process.report, 'excludeNetwork', true);
  const report: unknown = process.report.getReport();
  return isObject(report) && isObject(report['header']) ? report['header'] : {};
}

function readLibc(): string {
  if (process.platform !== 'linux') return '';
  const glibc = reportHeader()['glibcVersionRuntime'];
  return typeof glibc === 'string' ? `glibc ${glibc}` : 'musl';
}

/** `npm-cli.js` of the npm beside this Node, or of the first on PATH. */
export function findNpm(): string | undefined {
  const prefix = dirname(dirname(process.execPath));
  const beside = join(prefix, 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js');
  if (existsSync(beside)) return beside;
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const program = join(folder, 'npm');
    // A link to npm-cli.js, as Node's own packages make it; a script of a version switcher is none.
    if (folder !== '' && existsSync(program) && realpathSync(program).endsWith('npm-cli.js'))
      return realpathSync(program);
  }
  return undefined;
}

function versionIn(folder: string): string | undefined {
  const path = join(folder, 'package.json');
  if (!existsSync(path)) return undefined;
  const manifest: unknown = JSON.parse(readFileSync(path, 'utf8'));
  return isObject(manifest) && typeof manifest['version'] === 'string' ? manifest['version'] : undefined;
}
