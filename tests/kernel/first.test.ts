import { KernelClient } from './client';
let k: KernelClient;
beforeAll(async () => { const t=performance.now(); k = await KernelClient.start(); console.log('ready', performance.now()-t); });
afterAll(() => k.stop());
test('value', async () => {
  const r = await k.execute('1 + 1');
  console.log(JSON.stringify(r.reply), r.messages.map(m => m.type + JSON.stringify(m.content)), r.milliseconds, k.stderr);
  for (let i=0;i<5;i++) console.log((await k.execute('2+'+i)).milliseconds);
  const e = await k.execute('console.log("hi"); process.stderr.write("err"); throw new RangeError("no")');
  console.log(JSON.stringify(e.reply), e.messages.map(m => m.type + JSON.stringify(m.content)), e.milliseconds, k.stderr);
});
