// `jupyter console` in a terminal, driven by keys: type, run, error, input, history, completion, interrupt, exit.
import { Jupyter } from './jupyter';
import { IN_TERMINAL, KEYS, Terminal } from './terminal';
import { pythonOf } from '../notebook/server';
import { ROOT } from '../kernel/client';

const TIMEOUT = 180_000;
let jupyter: Jupyter;
let terminal: Terminal;
beforeAll(async () => {
  jupyter = new Jupyter();
  const console = ['-m', 'jupyter_console', '--kernel', 'cellburst'];
  terminal = new Terminal(jupyter.start(['-c', IN_TERMINAL, pythonOf(ROOT), ...console]));
  await terminal.until(/In \[1\]:/);
}, TIMEOUT);
afterAll(() => jupyter.close(), TIMEOUT);

test(
  'a session',
  async () => {
    await terminal.enter('const planet = { name: "Earth", radius: 6371 }; planet.radius * 2');
    await terminal.until(/Out\[1\]: 12742/);

    // Enter in the middle of a function goes on to a new line.
    await terminal.until(/In \[2\]:/);
    await terminal.enter('function half(n: number) {');
    await terminal.until(/\.\.\.:/);
    await terminal.enter('return n / 2; }; half(9)');
    await terminal.until(/Out\[2\]: 4\.5/);

    await terminal.until(/In \[3\]:/);
    await terminal.enter(`throw new RangeError('too ' + 'far')`);
    await terminal.until(/RangeError: too far/);

    await terminal.until(/In \[4\]:/);
    await terminal.enter(`prompt('Who are you?')`);
    await terminal.until(/Who are you\? /);
    await terminal.enter('Ada');
    await terminal.until(/Out\[4\]: 'Ada'/);

    // The only completion is put in at once.
    await terminal.until(/In \[5\]:/);
    terminal.type('planet.rad');
    await new Promise((resolve) => setTimeout(resolve, 300));
    terminal.type(KEYS.tab);
    await terminal.until(/planet\.radius|radius/);
    terminal.type(KEYS.enter);
    await terminal.until(/Out\[5\]: 6371/);

    // Up: the line before.
    await terminal.until(/In \[6\]:/);
    terminal.type(KEYS.up);
    await terminal.until(/planet\.radius/);
    terminal.type(KEYS.enter);
    await terminal.until(/Out\[6\]: 6371/);

    await terminal.until(/In \[7\]:/);
    await terminal.enter(`console.log('now ' + 'spinning'); while (true) {}`);
    await terminal.until(/now spinning/);
    terminal.type(KEYS.interrupt);
    await terminal.until(/KeyboardInterrupt/);

    await terminal.until(/In \[8\]:/);
    await terminal.enter('planet.name');
    await terminal.until(/Out\[8\]: 'Earth'/);

    await terminal.until(/In \[9\]:/);
    terminal.type(KEYS.end);
    await terminal.until(/really want to exit/);
    await terminal.enter('y');
    await terminal.until(/Shutting down kernel/);
    expect(await terminal.ended()).toBe(0);
  },
  TIMEOUT,
);
