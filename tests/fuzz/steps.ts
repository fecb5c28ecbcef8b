// What a client may do to a kernel, as data: one sequence of steps for one seed. Well-behaved requests, odd ones, and what is no message at all.
import type { Fields } from '../kernel/client';
import { Random } from './random';

export type Channel = 'shell' | 'control';

export type Step =
  | {
      readonly kind: 'request';
      readonly channel: Channel;
      readonly type: string;
      readonly content: Fields;
      readonly id: string;
      readonly parent: unknown;
      readonly metadata: unknown;
      readonly header: Fields;
    }
  /** Must be dropped without a word. */
  | { readonly kind: 'broken'; readonly channel: Channel; readonly how: Breakage; readonly id: string }
  | { readonly kind: 'answer'; readonly value: string; readonly withParent: boolean }
  | { readonly kind: 'beat' }
  | { readonly kind: 'pause'; readonly milliseconds: number }
  /** Waits until everything has been answered. */
  | { readonly kind: 'settle' };

export const BREAKAGES = [
  'noise',
  'nothing',
  'no delimiter',
  'too few parts',
  'wrong key',
  'no signature',
  'changed content',
  'header is a list',
  'header without type',
  'header without id',
  'content is a text',
  'content is null',
  'cut JSON',
] as const;
export type Breakage = (typeof BREAKAGES)[number];

/** Cells that end by themselves. */
const CELLS: readonly string[] = [
  '1 + 1',
  'const a = 1; a',
  'let b = (globalThis as { b?: number }).b ?? 0; b++; b',
  `console.log('out'); console.error('err');`,
  `throw new Error('on purpose')`,
  `const n: number = 'text';`,
  'const = ;',
  'function f() {',
  '',
  '  \n',
  '// only a comment',
  'await null; 5',
  `await new Promise((resolve) => setTimeout(resolve, 5)); 'later'`,
  `setTimeout(() => console.log('late'), 3);`,
  `setTimeout(() => { throw new Error('stray'); }, 2);`,
  `void Promise.reject(new Error('unhandled'));`,
  `for (let i = 0; i < 300; i++) console.log('line', i);`,
  `import { display, newDisplay, clearOutput } from 'cellburst'; display({ 'text/html': '<b>x</b>' }); const d = newDisplay(); d.text('1'); d.text('2'); clearOutput({ wait: true });`,
  `import { openComm, onComm } from 'cellburst'; openComm('fuzz', { n: 1 }); onComm('served', (comm) => comm.onMessage(({ data }) => comm.send(data)));`,
  '({ toString() { throw 1; }, [Symbol.for("nodejs.util.inspect.custom")]() { throw 2; } })',
  'class Thing { #secret = 1; look() { return this.#secret; } }; new Thing().look()',
  `'x'.repeat(200_000)`,
  'undefined',
  'null',
  '%who',
  '%env FUZZ=1',
  '%lsmagic',
  '%cd .',
  '%reset',
  '%nothing here',
  '%%nothing here',
  '!true',
  '!exit 3',
  '%%time\n1 + 1',
  '%time 2 + 2',
  '%%bash\necho hello',
  `1\n%who`,
  '😀',
  'const 名前 = "なまえ"; 名前',
];

/** Cells that wait for an interrupt or an answer. */
const ENDLESS: readonly string[] = [
  'while (true) {}',
  'await new Promise(() => {});',
  'for (;;) { await new Promise((resolve) => setTimeout(resolve, 1)); }',
  `setInterval(() => console.log('tick'), 2); await new Promise(() => {});`,
  'for (;;) console.log("flood".repeat(50));',
  `import { input } from 'cellburst'; await input('typed: ')`,
  `prompt('typed: ')`,
  `import { input } from 'cellburst'; void input('never awaited'); 7`,
  '%%bash\nsleep 60',
];

/** Cells that end the user process. */
const FATAL: readonly string[] = [
  'process.exit(3)',
  'process.abort()',
  `process.kill(process.pid, 'SIGKILL'); while (true) {}`,
];

const SOURCES = [...CELLS, 'Math.', 'a.', 'con', '%', '%cl', '%%cluster --co', '\u{1f600}.x', 'x'.repeat(3_000)];

const ODD: readonly unknown[] = [null, 0, -1, 1e9, 1.5, '', 'text', true, [], [1], {}, { a: { b: [null] } }];

export interface SequenceOptions {
  /** Now and then the user process or the kernel is ended in the middle. */
  readonly withEnds: boolean;
}

/** The same seed gives the same steps. */
export function makeSequence(seed: number, { withEnds }: SequenceOptions): Step[] {
  const random = new Random(seed);
  const steps: Step[] = [];
  const ids: string[] = [];
  const length = random.between(1, 14);
  for (let at = 0; at < length; at++) steps.push(makeStep(random, `${seed}-${at}`, ids, withEnds));
  if (withEnds && random.chance(0.01)) {
    const content = { restart: random.chance(0.5) };
    steps.push(request(random, 'control', 'shutdown_request', content, `${seed}-end`));
    for (let after = random.between(0, 3); after > 0; after--)
      steps.push(makeStep(random, `${seed}-after-${after}`, ids, false));
  }
  return steps;
}

function makeStep(random: Random, id: string, ids: string[], withEnds: boolean): Step {
  const kind = random.weigh([
    [22, 'request'],
    [3, 'broken'],
    [2, 'answer'],
    [1, 'beat'],
    [4, 'pause'],
    [3, 'settle'],
  ] as const);
  switch (kind) {
    case 'request': {
      // An id that was used before: each request is answered all the same.
      const used = ids.length > 0 && random.chance(0.06) ? random.pick(ids) : id;
      ids.push(used);
      return makeRequest(random, used, withEnds);
    }
    case 'broken':
      return { kind, channel: channelOf(random), how: random.pick(BREAKAGES), id };
    case 'answer':
      return { kind, value: random.pick(['', 'typed', '😀', 'x'.repeat(70_000)]), withParent: random.chance(0.5) };
    case 'pause':
      return { kind, milliseconds: random.pick([0, 0, 1, 2, 5, 20]) };
    default:
      return { kind };
  }
}

function makeRequest(random: Random, id: string, withEnds: boolean): Step {
  const type = random.weigh([
    [14, 'execute_request'],
    [3, 'interrupt_request'],
    [3, 'complete_request'],
    [3, 'inspect_request'],
    [3, 'is_complete_request'],
    [2, 'history_request'],
    [2, 'kernel_info_request'],
    [1, 'connect_request'],
    [2, 'comm_info_request'],
    [2, 'comm_open'],
    [2, 'comm_msg'],
    [2, 'comm_close'],
    [1, 'create_subshell_request'],
    [1, 'list_subshell_request'],
    [1, 'delete_subshell_request'],
    [1, 'unheard_of_request'],
  ] as const);
  const content = random.chance(0.06) ? oddContent(random, type) : contentOf(random, type, withEnds);
  return request(random, type === 'interrupt_request' ? 'control' : channelOf(random), type, content, id);
}

function request(random: Random, channel: Channel, type: string, content: Fields, id: string): Step {
  return {
    kind: 'request',
    channel,
    type,
    content,
    id,
    parent: random.chance(0.1)
      ? random.pick([...ODD, { msg_id: 5 }, { msg_id: 'unknown', msg_type: 'execute_request' }])
      : {},
    metadata: random.chance(0.1) ? random.pick([...ODD, { cellId: 7 }, { cellId: 'cell-1', deletedCells: [] }]) : {},
    header: random.chance(0.1)
      ? random.pick<Fields>([
          { subshell_id: 'unknown' },
          { subshell_id: 5 },
          { date: 7 },
          { version: '4.0' },
          { extra: [] },
        ])
      : {},
  };
}

function channelOf(random: Random): Channel {
  return random.chance(0.8) ? 'shell' : 'control';
}

/** The right fields with wrong values, or none. */
function oddContent(random: Random, type: string): Fields {
  if (random.chance(0.2)) return {};
  const names = [
    'code',
    'cursor_pos',
    'detail_level',
    'hist_access_type',
    'n',
    'pattern',
    'session',
    'comm_id',
    'data',
  ];
  const more = [
    'target_name',
    'silent',
    'store_history',
    'user_expressions',
    'allow_stdin',
    'stop_on_error',
    'subshell_id',
  ];
  const odd = Object.fromEntries([...names, ...more].map((name) => [name, random.pick(ODD)]));
  // Of what is no text nothing runs, so it ends by itself.
  return type === 'execute_request' ? { ...odd, code: random.pick([null, 5, [], {}, '1']) } : odd;
}

function contentOf(random: Random, type: string, withEnds: boolean): Fields {
  switch (type) {
    case 'execute_request':
      return executeContent(random, withEnds);
    case 'complete_request':
    case 'inspect_request': {
      const code = random.pick(SOURCES);
      return { code, cursor_pos: random.between(0, code.length), detail_level: random.between(0, 1) };
    }
    case 'is_complete_request':
      return { code: random.pick(SOURCES) };
    case 'history_request':
      return {
        hist_access_type: random.pick(['tail', 'range', 'search', 'guess']),
        output: random.chance(0.5),
        raw: true,
        n: random.between(0, 20),
        session: random.between(-3, 3),
        start: random.between(0, 5),
        stop: random.between(0, 9),
        pattern: random.pick(['*', '*a*a*a*a*a*b', '?', '1 + 1', '']),
        unique: random.chance(0.5),
      };
    case 'comm_open':
      return {
        comm_id: `comm-${random.between(1, 5)}`,
        target_name: random.pick(['served', 'nobody']),
        data: { n: 1 },
      };
    case 'comm_msg':
    case 'comm_close':
      return { comm_id: `comm-${random.between(1, 5)}`, data: { echo: random.pick(ODD) } };
    case 'comm_info_request':
      return random.chance(0.5) ? {} : { target_name: 'served' };
    case 'delete_subshell_request':
      return { subshell_id: 'never-made' };
    default:
      return {};
  }
}

function executeContent(random: Random, withEnds: boolean): Fields {
  const code = random.weigh<readonly string[]>([
    [80, CELLS],
    [15, ENDLESS],
    [withEnds ? 1 : 0, FATAL],
  ]);
  return {
    code: random.pick(code),
    silent: random.chance(0.1),
    store_history: random.chance(0.9),
    user_expressions: random.chance(0.15)
      ? { sum: '1 + 1', wrong: 'nothing.there', thrown: '(() => { throw 1 })()' }
      : {},
    allow_stdin: random.chance(0.6),
    stop_on_error: random.chance(0.6),
  };
}
