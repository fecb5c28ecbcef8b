// A job says where it came from as the kernel sees it (a path on the server's disk, or a path of Jupyter's); JupyterLab knows notebooks by paths
// below the server's root. These belong together when one ends in the other. Pure.

export function isSameNotebook(origin: string | undefined, path: string | undefined): boolean {
  if (origin === undefined || path === undefined) return false;
  const [a, b] = [withoutDrive(origin), withoutDrive(path)];
  return a === b || a.endsWith(`/${b}`);
}

export function notebookName(origin: string): string {
  return origin.split(/[\\/]/).at(-1) ?? origin;
}

/**
 * Paths below the server's root that the origin may be, the likeliest first. `root`: as JupyterLab's page says, perhaps with a tilde
 * for the home directory.
 */
export function candidatePaths(origin: string, root: string): string[] {
  const path = origin.replaceAll('\\', '/');
  const below = root.replace(/^~/, '').replace(/\/$/, '');
  const at = below === '' ? -1 : path.indexOf(`${below}/`);
  const first = at >= 0 ? [path.slice(at + below.length + 1)] : [];
  const parts = path.split('/').filter(Boolean);
  const suffixes = parts.map((_part, index) => parts.slice(index).join('/'));
  return [...new Set([...first, ...suffixes])];
}

/** JupyterLab puts a drive's name in front for collaboration and other contents (`RTC:folder/a.ipynb`). */
function withoutDrive(path: string): string {
  return path
    .replaceAll('\\', '/')
    .replace(/^[A-Za-z][\w-]+:(?!\/)/, '')
    .replace(/^\//, '');
}
