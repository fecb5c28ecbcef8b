// A small envelope as the real cell process writes it (magics/protocol/container.ts, envelope.ts): a head, an empty graph.
const crypto = require('node:crypto');
const os = require('node:os');

const COLUMNS = 17;

module.exports = (outcome, directory) => {
  // In devalue's words: a list of values, objects with indices into it.
  const runtime = { node: process.version, platform: process.platform, hostname: os.hostname(), pid: process.pid, directory };
  const fields = { protocol: 1, outcome, hasValue: false, progress: 0, received: 0, startedAt: Date.now(), endedAt: Date.now() };
  const values = [{}];
  const put = (value) => values.push(value) - 1;
  for (const [key, value] of Object.entries(fields)) values[0][key] = put(value);
  for (const key of ['names', 'modules', 'stayed']) values[0][key] = put([]);
  values[0].runtime = put(Object.fromEntries(Object.entries(runtime).map(([key, value]) => [key, put(value)])));
  const text = Buffer.from(JSON.stringify(values));
  const head = Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8)]);
  const skeleton = Buffer.concat([head, Buffer.alloc((3 + COLUMNS) * 8)]);
  const header = Buffer.alloc(64);
  header.write('CELLBRST', 'latin1');
  header.writeUInt32LE(1, 8);
  header.writeUInt32LE(text.length, 12);
  header.writeUInt32LE(COLUMNS, 20);
  header.writeDoubleLE(skeleton.length, 24);
  crypto.createHash('sha256').update(header.subarray(8, 32)).update(skeleton).digest().copy(header, 32);
  return Buffer.concat([header, skeleton]);
};
