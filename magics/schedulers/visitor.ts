// What the doctor's job does on a compute node, as text for `node -e`: nothing of ours has to be there. Arguments: directory, word, port, addresses by comma.
export const VISITOR = `
const fs = require('fs'), net = require('net'), os = require('os'), path = require('path');
const [directory, word, port, addresses] = process.argv.slice(1);
const at = (name) => path.join(directory, name);
const pause = (ms) => new Promise((on) => setTimeout(on, ms));
const isThere = (name) => { try { fs.closeSync(fs.openSync(at(name), 'r')); return true; } catch { return false; } };
const reach = (address) => new Promise((on) => {
  let said = '';
  const socket = net.connect({ host: address, port: Number(port) });
  const done = () => { socket.destroy(); on({ address, isReached: said === word }); };
  socket.setTimeout(3000, done).on('data', (piece) => (said += piece)).on('error', done).on('end', done);
});
(async () => {
  const trips = [];
  for (let trip = 0; trip < 4; trip++) {
    const since = performance.now();
    fs.writeFileSync(at('ping-' + trip), '');
    while (!isThere('pong-' + trip)) { if (performance.now() - since > 40000) process.exit(1); await pause(5); }
    trips.push(performance.now() - since);
  }
  const reached = await Promise.all(addresses.split(',').filter(Boolean).map(reach));
  const told = { host: os.hostname(), node: process.version, trips, now: Date.now(), reached };
  fs.writeFileSync(at('part'), JSON.stringify(told));
  fs.renameSync(at('part'), at('result.json'));
})();
`.trim();
