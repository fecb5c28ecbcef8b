// The connection file a Jupyter client writes and names on our command line: where to listen, and the key that signs every message.
// Source: "Messaging in Jupyter" 5.5, and jupyter_client.connect for the two transports.
import { readFileSync } from 'node:fs';

export type SocketName = 'shell' | 'control' | 'stdin' | 'iopub' | 'hb';

export interface Connection {
  readonly transport: 'tcp' | 'ipc';
  readonly ip: string;
  /** For `ipc` a number that ends the name of the socket's file. */
  readonly ports: Readonly<Record<SocketName, number>>;
  /** Empty: messages are not signed. */
  readonly key: string;
  /** A digest that `crypto.createHmac` knows: `sha256`. */
  readonly digest: string;
}

const SOCKETS: readonly SocketName[] = ['shell', 'control', 'stdin', 'iopub', 'hb'];
const DIGESTS = new Set(['sha256', 'sha384', 'sha512']);

/** A connection file that cannot be used. The message names the file, the field and what was found. */
export class ConnectionFileError extends Error {
  override readonly name = 'ConnectionFileError';
}

export function readConnection(path: string): Connection {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConnectionFileError(
      `Cannot read the connection file ${path}. Jupyter writes it before it starts a kernel; start this kernel from Jupyter.`,
      { cause },
    );
  }
  return parseConnection(text, path);
}

/** `path` is only for messages. */
export function parseConnection(text: string, path: string): Connection {
  const fields = parseFields(text, path);
  const transport = fields['transport'] ?? 'tcp';
  if (transport !== 'tcp' && transport !== 'ipc')
    throw new ConnectionFileError(
      `The connection file ${path} asks for the transport ${shown(transport)}; known are tcp and ipc.`,
    );
  const ip = fields['ip'];
  if (typeof ip !== 'string' || ip === '')
    throw new ConnectionFileError(`The connection file ${path} has no address: "ip" is ${shown(ip)}.`);
  const key = fields['key'] ?? '';
  if (typeof key !== 'string')
    throw new ConnectionFileError(`The connection file ${path} has a "key" that is no text: ${typeof key}.`);
  const ports = Object.fromEntries(SOCKETS.map((name) => [name, parsePort(fields, name, path)]));
  return { transport, ip, key, digest: parseDigest(fields['signature_scheme'], path), ports: withEvery(ports, path) };
}

export function endpointOf(connection: Connection, socket: SocketName): string {
  const port = connection.ports[socket];
  return connection.transport === 'ipc' ? `ipc://${connection.ip}-${port}` : `tcp://${connection.ip}:${port}`;
}

function parseFields(text: string, path: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new ConnectionFileError(`The connection file ${path} is not JSON.`, { cause });
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new ConnectionFileError(`The connection file ${path} holds ${shown(parsed)}, not an object.`);
  return Object.fromEntries(Object.entries(parsed));
}

function parsePort(fields: Record<string, unknown>, name: SocketName, path: string): number {
  const port = fields[`${name}_port`];
  if (typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new ConnectionFileError(
    `The connection file ${path} has no usable "${name}_port": ${shown(port)} is no port number.`,
  );
}

function parseDigest(scheme: unknown, path: string): string {
  const digest = typeof scheme === 'string' ? scheme.replace(/^hmac-/, '') : scheme === undefined ? 'sha256' : '';
  if (DIGESTS.has(digest)) return digest;
  throw new ConnectionFileError(
    `The connection file ${path} asks for the signature scheme ${shown(scheme)}; known are hmac-sha256, hmac-sha384, hmac-sha512.`,
  );
}

function withEvery(ports: Record<string, number | undefined>, path: string): Record<SocketName, number> {
  const { shell, control, stdin, iopub, hb } = ports;
  if (shell && control && stdin && iopub && hb) return { shell, control, stdin, iopub, hb };
  throw new ConnectionFileError(`The connection file ${path} lacks a port.`);
}

function shown(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value);
}
