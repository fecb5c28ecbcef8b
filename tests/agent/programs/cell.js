// A cell process for the tests of the runner and the agent: it keeps the contract of the real one (descriptor 3 takes output records, one line of
// JSON on 4 names the job's directory, exit 0 means that the envelope is there), but its "bundle" is plain JavaScript.
const fs = require('node:fs');
const path = require('node:path');

const input = fs.createReadStream('', { fd: 4 });
let text = '';
input.on('data', (chunk) => (text += chunk));
input.on('end', () => {
  const { directory, environment } = JSON.parse(text);
  process.chdir(directory);
  Object.assign(process.env, environment);
  const print = (line, stream = 1) => {
    const payload = Buffer.from(line);
    const header = Buffer.alloc(16);
    header.writeUInt32LE(payload.length, 0);
    header.writeUInt8(stream, 4);
    header.writeDoubleLE(Date.now(), 8);
    const record = Buffer.concat([header, payload]);
    for (let at = 0; at < record.length;) at += fs.writeSync(3, record, at);
  };
  const finish = (outcome = 'value') => {
    try {
      const envelope = require('./envelope.js')(outcome, directory);
      const file = fs.openSync(path.join(directory, 'envelope.bin.part'), 'w');
      fs.writeSync(file, envelope);
      fs.fsyncSync(file);
      fs.closeSync(file);
      fs.renameSync(path.join(directory, 'envelope.bin.part'), path.join(directory, 'envelope.bin'));
    } catch (error) {
      console.error(String(error));
      process.exit(74);
    }
    process.exit(0);
  };
  let code;
  try {
    code = fs.readFileSync(path.join(directory, 'bundle.bin'), 'utf8');
  } catch (error) {
    console.error(String(error));
    process.exit(70);
  }
  new Function('print', 'finish', 'require', 'directory', code)(print, finish, require, directory);
});
