// Sections E and G: values, and what comes back of changes.
import type { Line } from './line';

export const VALUES: readonly Line[] = [
  [
    'E2 views over one buffer',
    ['const buf = new ArrayBuffer(64), a = new Uint8Array(buf), b = new Uint8Array(buf, 8)'],
    'b[0] = 7; a[8]',
    '7',
    [
      ['a[8]', 7],
      ['a.buffer === buf && b.buffer === buf', true],
    ],
  ],
  [
    'E4 a pooled Buffer',
    ["const b = Buffer.from('hi')"],
    'b[0] = 72; b.toString()',
    "'Hi'",
    [
      ['b.toString()', 'Hi'],
      ['Buffer.isBuffer(b)', true],
    ],
  ],
  [
    'E5 frozen',
    ['const o = Object.freeze({ a: 1 })'],
    'try { o.a = 2 } catch (e) { e.constructor.name }; Object.isFrozen(o)',
    'true',
  ],
  [
    'E6 a Map with objects as keys',
    ['const k = {}, m = new Map([[k, 1]])'],
    'm.set(k, 2); m.set({}, 3); m.size',
    '2',
    [
      ['m.get(k)', 2],
      ['m.size', 2],
    ],
  ],
  [
    'E10 shared objects',
    ['const o = { n: 1 }, p = [o], q = { o }'],
    'p[0] === q.o && ++p[0].n',
    '2',
    [['p[0] === q.o && o.n', 2]],
  ],
  [
    'E12 a large array',
    ['const big = new Float64Array(100000).fill(1)'],
    'big[5] = 3; big.reduce((a, b) => a + b)',
    '100002',
    [['big[5]', 3]],
  ],
  [
    'E13 an error that Node threw',
    ['let e; try { Buffer.from(5) } catch (error) { e = error }'],
    'e.note = 1; [e.name, e.code, e instanceof TypeError].join()',
    "'TypeError,ERR_INVALID_ARG_TYPE,true'",
    [['e.note', 1]],
  ],
  [
    'E14 an EventEmitter, and a class that extends it',
    [
      "class Bus extends require('node:events') { seen = 0; constructor() { super(); this.on('a', () => this.seen++) } } const bus = new Bus, plain = new (require('node:events'))()",
    ],
    "bus.emit('a'); plain.on('b', () => bus.seen++); plain.listenerCount('b')",
    '1',
    [
      ['bus.seen', 1],
      ["bus.emit('a') && plain.emit('b') && bus.seen", 3],
    ],
  ],
  ['G1 an alias', ['const log = []; const alias = log'], 'log.push(1)', '1', [['alias.length', 1]]],
  [
    'G2 a name bound anew',
    ['let log = []; const alias = log'],
    'log = [1]; 0',
    '0',
    [
      ['log.length', 1],
      ['alias.length', 0],
    ],
  ],
  ['G6 a const', ['const o = { a: 1 }'], 'o.b = 2; delete o.a; 0', '0', [['Object.keys(o).join()', 'b']]],
  [
    'G7 an object dropped from the graph',
    ['const inner = { n: 0 }; const o = { inner }'],
    'o.inner.n = 5; delete o.inner; 0',
    '0',
    [
      ['inner.n', 5],
      ["'inner' in o", false],
    ],
  ],
  [
    'G8 dates, sets, key order',
    ['const d = new Date(0), s = new Set([1]), o = { a: 1, b: 2 }'],
    'd.setTime(5); s.add(2); s.delete(1); delete o.a; o.a = 3; 0',
    '0',
    [
      ['d.getTime()', 5],
      ['[...s].join()', '2'],
      ['Object.keys(o).join()', 'b,a'],
    ],
  ],
  ['G9 a name only written', ['let w = { big: 1 }'], 'w = 5; 0', '0', [['w', 5]]],
  ['G10 a function redefined there', ['function f() { return 1 }'], 'f = () => 2; f()', '2', [['f()', 2]]],
  [
    'G11 a new function that closes over a captured object',
    ['const box = { n: 1 }'],
    'const get = () => box.n; box.n = 4; 0',
    '0',
    [['get()', 4]],
  ],
  [
    'E1 values that are easily lost',
    [String.raw`const v = [undefined, -0, NaN, Infinity, -Infinity, 2n ** 70n, '\ud800', '\0\u2028']`],
    String.raw`v.push(-0); const w = [...v]; [undefined, -0, NaN, Infinity, -Infinity, 2n ** 70n, '\ud800', '\0\u2028', -0].every((x, i) => Object.is(x, v[i]))`,
    'true',
    [
      [
        String.raw`[undefined, -0, NaN, Infinity, -Infinity, 2n ** 70n, '\ud800', '\0\u2028', -0].every((x, i) => Object.is(x, v[i]) && Object.is(x, w[i]))`,
        true,
      ],
    ],
  ],
  [
    'E5b assignment to what is frozen',
    ['const o = Object.freeze({ a: 1 }); let told'],
    'try { o.a = 2 } catch (e) { told = e.constructor.name } told',
    "'TypeError'",
    [['[told, o.a, Object.isFrozen(o)].join()', 'TypeError,1,true']],
  ],
  [
    'E7 a list that is deep',
    ['let list = null; for (let i = 0; i < 100000; i++) list = { i, next: list }'],
    'let n = 0; for (let at = list; at !== null; at = at.next) n++; list = { i: n, next: list }; n',
    '100000',
    [['[list.i, list.next.next.i].join()', '100000,99998']],
  ],
  [
    'E11 URLs',
    ["const u = new URL('https://a.b/c?d=1'), q = u.searchParams"],
    "q.append('e', '2'); u.pathname = '/x'; u.href",
    "'https://a.b/x?d=1&e=2'",
    [['[u.href, u.searchParams === q].join()', 'https://a.b/x?d=1&e=2,true']],
  ],
  [
    'E15 settled Promises',
    [
      'const o = { n: 1 }, done = Promise.resolve(o), failed = Promise.reject(new TypeError("no")); failed.catch(() => {})',
    ],
    '(await done).n++; const late = Promise.resolve(o), why = await failed.catch((e) => e.message); [await late === o, o.n, why].join()',
    "'true,2,no'",
    [
      [
        '[await done === o, await late === o, o.n, await failed.catch((e) => e instanceof TypeError)].join()',
        'true,true,2,true',
      ],
    ],
  ],
  [
    'E16 Intl objects',
    [
      'const money = new Intl.NumberFormat("en-US", { style: "currency", currency: "EUR" }), day = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" })',
    ],
    'const percent = new Intl.NumberFormat("en", { style: "percent" }); [money.format(1234.5), day.format(0)].join(";")',
    "'€1,234.50;1 January 1970'",
    [['[money.format(2), percent.format(0.25), percent instanceof Intl.NumberFormat].join()', '€2.00,25%,true']],
  ],
  [
    'E8 many numbers',
    ['const numbers = Array.from({ length: 200000 }, (_, i) => i / 3)'],
    'numbers[5] = -0; numbers.length = 150000; Object.is(numbers[5], -0) && numbers.at(-1) === 149999 / 3',
    'true',
    [['[numbers.length, Object.is(numbers[5], -0), numbers[7] === 7 / 3].join()', '150000,true,true']],
  ],
  [
    'E9 many bytes',
    ['const bytes = new Uint8Array(5e6)'],
    'bytes[4999999] = 9; bytes.subarray(10, 12).fill(3); bytes.length',
    '5000000',
    [['[bytes[4999999], bytes[10], bytes[12]].join()', '9,3,0']],
  ],
  [
    'G3 what was not changed stays what it is',
    ['const big = new Float64Array(100000).fill(2), kept = big; let last = 0'],
    'last = big[99999]; big.length',
    '100000',
    [['[last, kept === big, big[0]].join()', '2,true,2']],
  ],
  [
    'H3 a key named __proto__ is data',
    ['const o = JSON.parse(\'{"__proto__": { "x": 1 }, "b": 2}\')'],
    'const p = JSON.parse(\'{"__proto__": { "y": 1 }}\'); o.b = 3; [Object.keys(o).join(\'+\'), o.x, p.y].join()',
    "'__proto__+b,,'",
    [["[Object.keys(o).join('+'), Object.keys(p).join(), o.b, o.x, ({}).y].join()", '__proto__+b,__proto__,3,,']],
  ],
];
