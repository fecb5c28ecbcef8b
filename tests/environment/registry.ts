// A package registry on this machine, for npm itself to talk to: what it serves is made here, so tests need no network.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { TAR_END, tarHeader, tarPadding } from '../../magics/protocol/tar';

export interface Served {
  readonly name: string;
  readonly version: string;
  /** More of its package.json. */
  readonly manifest?: Readonly<Record<string, unknown>>;
  /** Content by path. */
  readonly files?: Readonly<Record<string, string | Buffer>>;
}

export interface Registry extends AsyncDisposable {
  readonly url: string;
  /** What it was asked for, in order. */
  readonly asked: readonly string[];
}

export async function openRegistry(packages: readonly Served[]): Promise<Registry> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '').slice(1);
    asked.push(path);
    const tarball = packages.find((one) => path === tarballPath(one));
    const versions = packages.filter(({ name }) => name === path);
    if (tarball !== undefined) response.end(pack(tarball));
    else if (versions.length > 0) response.end(JSON.stringify(describe(versions, url)));
    else response.writeHead(404).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    url,
    asked,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function tarballPath({ name, version }: Served): string {
  return `${name}/-/${version}.tgz`;
}

function manifestOf({ name, version, manifest }: Served): Record<string, unknown> {
  return { name, version, ...manifest };
}

function describe(versions: readonly Served[], url: string): object {
  const [first] = versions;
  const described = versions.map((one) => {
    const integrity = `sha512-${createHash('sha512').update(pack(one)).digest('base64')}`;
    return [one.version, { ...manifestOf(one), dist: { tarball: `${url}${tarballPath(one)}`, integrity } }] as const;
  });
  return {
    name: first?.name,
    'dist-tags': { latest: versions.at(-1)?.version },
    versions: Object.fromEntries(described),
  };
}

function pack(served: Served): Buffer {
  const files = { 'package.json': JSON.stringify(manifestOf(served)), ...served.files };
  const parts = Object.entries<string | Buffer>(files).flatMap(([path, content]) => {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    const header = tarHeader({ kind: 'file', path: `package/${path}`, isExecutable: false, size: bytes.length });
    return [header, bytes, tarPadding(bytes.length)];
  });
  return gzipSync(Buffer.concat([...parts, TAR_END]));
}
