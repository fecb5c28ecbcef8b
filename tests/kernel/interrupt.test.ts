import { CASES, SETUP } from './interrupt-cases';
import { KernelClient } from './client';

const REPEATS = Number(process.env['CELLBURST_REPEATS'] ?? 3);

let kernel: KernelClient;
beforeAll(async () => {
  kernel = await KernelClient.start();
  expect((await kernel.execute(SETUP)).reply).toMatchObject({ status: 'ok' });
});
afterAll(() => kernel.stop());

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe.each(CASES)('an interrupt stops $name', ({ code, inLibrary }) => {
  test(`and every variable stays, ${REPEATS} times`, async () => {
    const slowest: number[] = [];
    for (let turn = 0; turn < REPEATS; turn++) {
      await kernel.execute(`Object.assign(Reflect.get(globalThis, 'state'), { turn: ${turn}, pid: process.pid });`);
      const id = await kernel.startCell(code);
      await kernel.status(id, 'busy');
      await pause(40 + Math.random() * 20);
      const started = performance.now();
      await kernel.interrupt();
      const { reply } = await kernel.outcome(id, started);
      slowest.push(performance.now() - started);
      expect(reply).toMatchObject({ status: 'error', ename: 'KeyboardInterrupt' });
      const after = await kernel.execute(
        `(({ started, turn, pid }) => [started, turn, pid === process.pid].join())(Reflect.get(globalThis, 'state'))`,
      );
      expect(after.result).toMatchObject({ data: { 'text/plain': `'1,${turn},true'` } });
    }
    // 300 ms of patience come first where the code has no checks.
    expect(Math.min(...slowest)).toBeLessThan(inLibrary ? 1_400 : 250);
  });
});
