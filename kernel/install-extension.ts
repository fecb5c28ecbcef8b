// Puts JupyterLab's part of Cellburst where a Jupyter server looks for it: a folder that JupyterLab loads as it is, without a server extension.
// Source: "Packaging extensions" of JupyterLab's documentation.
import { cpSync, existsSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../magics/protocol/errors';
import { dataDirectory, type InstallOptions, type InstallReport } from './install';

const NAME = 'jupyterlab-cellburst';

export interface ExtensionOptions extends Pick<InstallOptions, 'place' | 'environment'> {
  /** The built extension; `dist/labextension` of this package, if not given. */
  readonly source?: string;
}

/** Copies the extension. The second time, with nothing new to bring, writes nothing. */
export function installExtension(options: ExtensionOptions = {}): InstallReport {
  const source = options.source ?? ownExtension();
  const directory = extensionDirectory(options);
  const existed = existsSync(directory);
  if (existed && fingerprint(directory) === fingerprint(source)) return { directory, files: [], done: 'unchanged' };
  const beside = `${directory}.${String(process.pid)}.new`;
  try {
    cpSync(source, beside, { recursive: true });
    // JupyterLab may look at this very moment: it finds the old one, none, or the new one, and never half of one.
    rmSync(directory, { recursive: true, force: true });
    renameSync(beside, directory);
  } catch (cause) {
    if (existsSync(beside)) rmSync(beside, { recursive: true });
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(
      `Cannot write JupyterLab's extension to ${directory}: ${reason}. Choose another place with --user, --sys-prefix or --prefix DIR.`,
      { cause },
    );
  }
  return { directory, files: filesIn(directory), done: existed ? 'updated' : 'installed' };
}

export function uninstallExtension(options: ExtensionOptions = {}): InstallReport {
  const directory = extensionDirectory(options);
  if (!existsSync(directory)) return { directory, files: [], done: 'absent' };
  const files = filesIn(directory);
  rmSync(directory, { recursive: true });
  return { directory, files, done: 'removed' };
}

/** Its package.json names the entry file, whose name is made of what it holds. */
function fingerprint(directory: string): string {
  const file = join(directory, 'package.json');
  return existsSync(file) ? `${readFileSync(file, 'utf8')}\n${filesIn(directory).length}` : '';
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** This module is bundled into a program of dist/, where the extension lies as well. */
function ownExtension(): string {
  const source = join(__dirname, 'labextension');
  if (existsSync(join(source, 'package.json'))) return source;
  throw new UsageError(`Cannot find JupyterLab's extension at ${source}. Build it first: npm run build.`);
}

function extensionDirectory(options: ExtensionOptions): string {
  return join(
    dataDirectory(options.place ?? { kind: 'user' }, options.environment ?? process.env),
    'labextensions',
    NAME,
  );
}
