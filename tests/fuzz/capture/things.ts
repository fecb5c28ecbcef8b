// What fuzzed notebooks are made of. Each thing is declared under a name of its own (`@n`) and has operations: expressions that change it, call it or look at
// it. Placeholders: @v a value, @p a primitive, @i a small number, @k a key, @r a name of the notebook (or a value), @c a class of the notebook.

export interface Thing {
  readonly kind: Kind;
  readonly declare: string;
  readonly uses: readonly string[];
}

/** What other things can do with it: extend a class, call a function, anything with an object. */
export type Kind = 'class' | 'function' | 'object' | 'primitive';

const OBJECT_USES = [
  '@n.@k = @v',
  'delete @n.@k',
  '@n.@k',
  'Object.keys(@n).join()',
  'Object.defineProperty(@n, "@k", { value: @v, enumerable: @b, configurable: true, writable: @b }), 0',
  'Object.defineProperty(@n, "@k", { get: () => @v, configurable: @b }), 0',
  'Object.assign(@n, @v), 0',
  '@n[Symbol.for("@k")] = @v',
  '@n.self = @n, 0',
  '@n.other = @r, 0',
  'Object.setPrototypeOf(@n, { inherited: @v }), 0',
  'Object.freeze(@n), 0',
  'Object.seal(@n), 0',
  'Object.preventExtensions(@n), 0',
] as const;

function object(declare: string, ...uses: string[]): Thing {
  return { kind: 'object', declare, uses: [...uses, ...uses, ...OBJECT_USES.slice(0, 10)] };
}

function code(declare: string, ...uses: string[]): Thing {
  return { kind: 'function', declare, uses: [...uses, ...uses, '@n.note = @v', '@n.name + @n.length'] };
}

function classes(declare: string, ...uses: string[]): Thing {
  return {
    kind: 'class',
    declare,
    uses: [...uses, ...uses, '@n.note = @v', '@n.prototype.late = function () { return @v }, 0'],
  };
}

const DATA: readonly Thing[] = [
  { kind: 'primitive', declare: 'let @n = @p', uses: ['@n = @v', '@n', '@n += @p', '@n ??= @v', 'typeof @n'] },
  { kind: 'primitive', declare: 'var @n = @p', uses: ['@n = @v', '@n++'] },
  { kind: 'primitive', declare: 'let @n', uses: ['@n = @v', '[@n = @p] = []', '({ @k: @n } = { @k: @v }), 0'] },
  { kind: 'object', declare: 'const @n = { @k: @v, @k: @v }', uses: OBJECT_USES },
  { kind: 'object', declare: 'let @n = { @k: @v, nested: { @k: @v } }', uses: [...OBJECT_USES, '@n = @v'] },
  object('const { @n, ...@nRest } = { @n: @v, b: @v, [Symbol.for("x")]: @p }', '@nRest.@k = @v', '@nRest'),
  object('const [@n = { d: @p }, ...@nTail] = [undefined, @v, @v]', '@nTail.push(@n)', '@nTail.length'),
  object(
    'const @n = [@v, @v, @v]',
    '@n.push(@v)',
    '@n.pop()',
    '@n.reverse().length',
    '@n.length = @i',
    '@n.splice(1, 1, @v, @v).length',
    '@n.sort(() => -1).length',
    '@n.includes(@v)',
  ),
  object(
    'const @n = [@v, , @v, , ,]',
    '@n[@i] = @v',
    'delete @n[@i]',
    '@n.length++',
    '@n.findIndex((x) => x === undefined)',
    '@n[50] = @v',
  ),
  object('const @n = Object.assign([1, 2.5, @p], { named: @v })', '@n.named = @v', '@n.unshift(@p)'),
  object(
    'const @n = new Map([[@v, @v], ["a", @v]])',
    '@n.set(@v, @v).size',
    '@n.set("a", @v).size',
    '@n.delete("a")',
    '@n.clear()',
    '@n.set(@n, @n).size',
    '[...@n.keys()].length',
    '(() => { const [first] = @n.keys(); return @n.delete(first) })()',
  ),
  object(
    'const @n = new Set([@v, @v])',
    '@n.add(@v).size',
    '@n.delete(@p)',
    '@n.add(@r).size',
    '@n.clear()',
    '@n.add(@n).size',
  ),
  object('const @n = new Date(@i)', '@n.setTime(@i)', '@n.setTime(NaN)', '@n.getTime()'),
  object('const @n = /a(b)?@i/gy', '@n.lastIndex = @i', '@n.test("ab1ab2")', '@n.source'),
  object(
    'const @nBuffer = new ArrayBuffer(32), @n = new Uint8Array(@nBuffer, 4, 8), @nWide = new Int32Array(@nBuffer)',
    '@n[@i] = @i',
    '@nWide[1] = 77777',
    '@n.fill(@i).length',
    '@n.join()',
    '@nWide.buffer === @n.buffer',
    'new DataView(@nBuffer).setFloat32(4, 1.5)',
  ),
  object('const @n = Float64Array.of(1.5, -0, NaN, @i)', '@n[@i % 4] = @i / 3', '@n.sort().join()', '@n.extra = @v'),
  object('const @n = new DataView(new ArrayBuffer(16), 2, 8)', '@n.setInt16(@i % 4, @i)', '@n.getInt16(0)'),
  object('const @n = BigInt64Array.of(1n, -2n)', '@n[0] += 5n', '@n[1]'),
  object('const @n = Buffer.from("text @i")', '@n.write("X", 1)', '@n.toString("latin1")', '@n[0] = @i'),
  object('const @n = Object.freeze({ @k: @v, deep: [@v] })', '@n.deep.push(@v)', '@n.@k = 5'),
  object('const @n = Object.seal({ @k: @v, b: @p })', '@n.@k = @v', 'delete @n.@k'),
  object('const @n = Object.preventExtensions([@v, @v])', '@n[0] = @v', '@n.push(1)', '@n.pop()'),
  object(
    'const @n = Object.create(null, { hidden: { value: @v }, @k: { value: @p, enumerable: true, writable: true, configurable: true } })',
    '@n.hidden',
    '@n.@k = @v',
  ),
  object(
    'const @nBase = { kind: @p, say() { return this.kind } }; const @n = Object.create(@nBase)',
    '@n.kind = @v',
    '@n.say()',
    '@nBase.kind = @v',
    'Object.getPrototypeOf(@n) === @nBase',
  ),
  object(
    'let @nCalls = 0; const @n = { get a() { @nCalls++; return @nCalls }, set a(v) { @nCalls += 10 }, b: @v }',
    '@n.a',
    '@n.a = 1',
    '@nCalls',
  ),
  object(
    'const @n = { m(x) { return [this === @n, x] }, *g() { yield @p; yield this }, async s() { return this.v }, v: @v, "quoted key": 1, [`comp${@i}`]: 2, 7: "seven" }',
    '@n.m(@p)[0]',
    '[...@n.g()].length',
    'await @n.s()',
    '@n.v = @v',
  ),
  object(
    'const @n = { __proto__: { up(x) { return `up${x}` } }, up(x) { return `own ${super.up(x)}` } }',
    '@n.up(@i)',
    '@n.more = @v',
  ),
  object('const @n = new Number(@i), @nText = new String("boxed")', '@n.extra = @v', '@nText.length', '@n + 1'),
  object(
    'const @n = new Error("first", { cause: @v })',
    '@n.message = "again"',
    '@n.code = @v',
    '@n.cause',
    '@n instanceof Error',
  ),
  object('const @n = new AggregateError([new TypeError("x"), @v], "many")', '@n.errors.length', '@n.errors.push(@v)'),
  object(
    'const @n = new URL("http://a.b/c?d=@i")',
    '@n.pathname = "/p@i"',
    '@n.searchParams.append("k", "v"), 0',
    '@n.href',
  ),
  object(
    'const @n = [Symbol.for("k"), Symbol("u@i"), Symbol.iterator]',
    '@n[1].description',
    '@n.indexOf(Symbol.for("k"))',
    '({ [@n[1]]: 1 })[@n[1]]',
  ),
  object('enum @n { A = @i, B, C = "c" }', '@n.B', '@n[@n.B]'),
  object(
    'namespace @n { export let count = @i; export const list = [count]; export function up() { count++; return list.push(count) } }',
    '@n.up()',
    '@n.count',
    '@n.count = @i',
  ),
  object(
    'const @n = { a: { list: [] as unknown[] } }; @n.a.back = @n; @n.a.list.push(@n.a, @n)',
    '@n.a.list.push(@v)',
    '@n.a.back = @v',
    '@n.a = @n',
    '@n.a.list[0] === @n.a',
  ),
  object(
    'const @n = Array.from({ length: 40 }, (_, i) => ({ id: i, tag: `t${i % 3}` }))',
    '@n[@i].id = @v',
    '@n[3] = @n[4]',
    '@n.length = 10',
    '@n.map((x) => x?.id).length',
  ),
  object(
    'const @nHeld = @v, @n = Promise.resolve([@nHeld])',
    '(await @n).push(@v)',
    '(await @n)[0] === @nHeld',
    '@n.note = @v',
  ),
  object('const @n = structuredClone({ deep: { deeper: [@p] } })', '@n.deep.deeper.push(@v)', '@n.deep = @v'),
  object('const @n = JSON.parse(\'{"__proto__": 1, "b": [2]}\')', '@n.b.push(@v)', 'Object.keys(@n).join()'),
  object('for (var @n of [{ x: @v }, { x: @p }]); ', '@n.x', '@n.x = @v'),
  object(
    'try { throw Object.assign(new RangeError("kept"), { n: @v }) } catch (error) { var @n: any = error }',
    '@n.n = @v',
    '@n.message',
    '@n instanceof RangeError',
  ),
];

const FUNCTIONS: readonly Thing[] = [
  code('function @n(a, b = @p) { return [a, b, typeof @r] }', '@n(@v).length', '@n(1, 2).join()'),
  code('const @n = (x) => (x > 0 ? @n(x - 1) + 1 : 0)', '@n(3)'),
  code('const @nState = { n: 0 }; const @n = () => ++@nState.n', '@n()', '@nState.n = @i'),
  code(
    'let @nSum = 0; function @n(x) { @nSum += x; return @nSum }',
    '@n(@i)',
    '@nSum = @i',
    '@n = (x) => @nSum - x, 0',
  ),
  code(
    'const @n = (() => { let n = @i; return { inc: () => ++n, get: () => n, reset(v) { n = v } } })()',
    '@n.inc()',
    '@n.get()',
    '@n.reset(@v)',
    '@n.inc === @n.get',
  ),
  code(
    'function @nMake(n) { return { up: (by = 1) => (n += by), now() { return n } } } const @n = @nMake(@i), @nTwo = @nMake(5)',
    '@n.up()',
    '@nTwo.up(2)',
    '@n.now() + @nTwo.now()',
    '@n.fresh = @nMake(@i), 0',
    '@n.fresh?.up()',
  ),
  code('const @n = ((k) => (m) => [k, m])(@v)', '@n(@p)[0] === @n(1)[0]', '@n(@v).length'),
  code(
    'const @n = ((cell) => { cell ??= {}; return { put: (v) => { cell.v = v }, take: () => cell.v, swap: (next) => { const old = cell; cell = next; return old } } })(@v)',
    '@n.put(@v)',
    '@n.take()',
    '@n.swap(@v)',
    '@n.swap({ v: @r })',
  ),
  code(
    'const @n = []; for (let i = 0; i < 3; i++) { let turn = i * 10; @n.push(() => [i, turn++]) }',
    '@n[@i % 3]().join()',
    '@n.map((f) => f()[1]).join()',
  ),
  code('const @n = []; for (const key in { a: 1, b: 2 }) @n.push((x = key) => x + key)', '@n[0]()', '@n[1](@p)'),
  code(
    'let @nBlock, @nCatch; { let n = @i; @nBlock = () => n++ } try { throw { n: @v } } catch ({ n }) { @nCatch = (v) => { const old = n; n = v; return old } } const @n = @nBlock',
    '@nBlock()',
    '@nCatch(@v)',
    '@n()',
  ),
  code('function* @n(from) { let i = from; while (i < from + 3) yield i++ }', '[...@n(@i)].join()'),
  code('async function @n(x) { await null; return [x, await @r] }', '(await @n(@v)).length', 'typeof @n(1).then'),
  code(
    'async function* @n() { yield @p; yield* [1, 2] } ',
    '(await (async () => { let all = 0; for await (const x of @n()) all++; return all })())',
  ),
  code('const @n = function self(n) { return n <= 0 ? self.name : self(n - 1) }', '@n(2)'),
  code(
    'const @n = (() => { const even = (n) => n === 0 || odd(n - 1); const odd = (n) => n !== 0 && even(n - 1); return { even, odd } })()',
    '@n.even(@i)',
    '@n.odd(@i)',
  ),
  code(
    'const @n = (() => { let cache = new Map(), hits = 0; return (x) => { if (cache.has(x)) { hits++; return hits } cache.set(x, { x }); return cache.size } })()',
    '@n(@p)',
    '@n(@r)',
    '@n(1)',
  ),
  code(
    'const @n = function (a, b) { return [this?.k, a, b] }.bind({ k: @v }, @p)',
    '@n(1).length',
    '@n(@v)[2] === undefined',
  ),
  {
    kind: 'function',
    declare: 'const @n = Math.max, @nLog = Array.prototype.slice',
    // Nothing is hung on it: the two runs, and all notebooks, share the builtins of this process.
    uses: ['@n(1, @i)', '@nLog.call([1, 2, 3], 1).join()', '@n.name + @n.length'],
  },
  code(
    'const @n = Object.assign((x) => @n.calls++ + x, { calls: 0, meta: @v })',
    '@n(1)',
    '@n.calls',
    '@n.meta = @v',
    'delete @n.meta',
  ),
  // code('const @n = new Function("a", "return a * 2")', '@n(@i)'),
  code(
    'function @n({ a = @p, ...rest } = { b: 1 }, [c, d = c] = [@i]) { return [a, Object.keys(rest).join(), c, d] }',
    '@n()[3]',
    '@n({ a: 1, z: 2 }, [3, 4]).join()',
  ),
  code(
    'const @n = (() => { const node = (v) => { let next; return { v, link: (o) => { next = o; return o }, next: () => next } }; const a = node(1), b = node(2); a.link(b); b.link(a); return a })()',
    '@n.next().v',
    '@n.next().next() === @n',
    '@n.link(@v) === 1',
    '@n.next()?.link?.(@n) === @n',
  ),
  code(
    'function @nOld() { this.v = @v; this.get = () => this.v; this.set = (v) => { this.v = v } } @nOld.prototype.up = function () { return [this.v] }; const @n = new @nOld()',
    '@n.get()',
    '@n.set(@v)',
    '@n.up().length',
    '@n instanceof @nOld',
    '@n.v = @v',
  ),
  code(
    'const @n = (() => { switch (@i % 2) { case 0: { let w = 1; return () => w++ } default: let z = 10; return () => z++ } })()',
    '@n()',
  ),
  code(
    'const @n = (() => { let v = @p; const outer = () => v; { let v = 2; const inner = () => ++v; return { outer, inner, both: () => [outer(), inner()] } } })()',
    '@n.inner()',
    '@n.both().join()',
    '@n.outer()',
  ),
  code(
    'const @n = ((...args) => ({ count: () => args.length, add: (x) => args.push(x), last: () => args.at(-1) }))(@v, @v)',
    '@n.add(@v)',
    '@n.count()',
    '@n.last()',
  ),
  code(
    'const @n = (() => { label: for (let i = 0; ; i++) { for (const j of [1, 2]) { if (i + j > 3) break label; if (j === 2) return () => i++ * 10 + j } } })()',
    '@n()',
  ),
  code(
    'const @n = (() => { let state = "a"; return { get state() { return state }, set state(v) { state = v + "!" } } })()',
    '@n.state',
    '@n.state = "b"',
  ),
  code(
    'const @n = (() => { let early; try { (() => { early = () => late; throw 0; let late = 1 })() } catch {} return early })()',
    '(() => { try { return @n() } catch (e) { return e.name + e.message } })()',
  ),
  code(
    'function @n() { return () => [...arguments].length + (() => arguments[0])() } const @nArrow = @n(@i, 2)',
    '@nArrow()',
    '@n(1)()',
  ),
  code(
    'function @n(...args) { const give = () => [arguments.length, new.target === @n, arguments]; return { give, take: (i) => { arguments[i] = @p; return give()[2] } } }; const @nCall = @n(@v, 1)',
    '@nCall.give()[0]',
    '@nCall.take(@i).length',
    '@nCall.give()[2] === @nCall.take(0)',
    '[...@n(@i).give()[2]].length',
    'new @n(1).give()[1]',
  ),
  code(
    'const @n = { base: @i, m() { return () => this.base++ } }; const @nArrow = @n.m()',
    '@nArrow()',
    '@n.base',
    '@n.m()()',
  ),
  code(
    'function @nMake({ start = @i, ...rest } = {}, up = (by = start) => (start += by), ...more) { let calls = 0; return { up, now: () => [start, ++calls, more.length, Object.keys(rest).length] } } const @n = @nMake({ start: 3, q: 1 }, undefined, 1, 2), @nTwo = @nMake()',
    '@n.up()',
    '@nTwo.up(@i)',
    '@n.now().join()',
    '@nTwo.now().join()',
    '@nMake.length',
    '@nMake(undefined, (x) => x).up(2)',
  ),
  code('const @n = ((n, step = () => n++) => ({ step, now: () => n }))(@i)', '@n.step()', '@n.now()'),
];

const CLASSES: readonly Thing[] = [
  classes(
    'class @n { x = @v; m() { return [this.x] } get y() { return this.x } set y(v) { this.x = v } } const @nOne = new @n()',
    '@nOne.m().length',
    '@nOne.y = @v',
    '@nOne.y',
    '@nOne instanceof @n',
    '@nOne.x = @nOne, 0',
    'new @n().m().length',
  ),
  classes(
    'class @n { #s = @i; #list = [@v]; get s() { return this.#s } add(v) { this.#list.push(v); return ++this.#s } #hidden() { return this.#list.length } count() { return this.#hidden() } static is(o) { return #s in o } set s(v) { this.#s = v } } const @nOne = new @n()',
    '@nOne.add(@v)',
    '@nOne.count()',
    '@n.is(@nOne)',
    '@n.is(@r)',
    '@nOne.s = @i',
    'new @n().s',
  ),
  classes(
    'class @n { static n = @i; static #secret = [@p]; static { this.made = "static" } static more(v) { @n.#secret.push(v); return @n.#secret.length } static up() { return ++this.n } }',
    '@n.n = @v',
    '@n.up()',
    '@n.more(@v)',
    '@n.made',
    'delete @n.made',
  ),
  classes(
    'class @nBase { constructor(v) { this.v = v; this.target = new.target.name } hi() { return `base ${typeof this.v}` } static make(v) { return new this(v) } } class @n extends @nBase { extra = @v; constructor(v) { super(v); this.w = () => this.v } hi() { return `derived ${super.hi()}` } } const @nOne = new @n(@v)',
    '@nOne.hi()',
    '@nOne.w()',
    '@nOne.v = @v',
    '@n.make(@p).hi()',
    '@nOne.target',
    '@nOne instanceof @nBase',
    '@nBase.prototype.shared = @v',
  ),
  classes(
    'class @n extends Array { sum() { return this.length * 2 } static get [Symbol.species]() { return Array } } const @nOne = @n.from([@v, 1, 2])',
    '@nOne.push(@v)',
    '@nOne.sum()',
    '@nOne.map((x) => x) instanceof @n',
    '@nOne instanceof @n',
    '@nOne.label = @v',
  ),
  classes(
    'class @n extends Map { get(key) { return super.get(key) ?? "none" } } const @nOne = new @n([["a", @v]])',
    '@nOne.get("zz")',
    '@nOne.set("b", @v).size',
    '@nOne.note = @v',
  ),
  classes(
    'class @n extends Error { constructor(message, code) { super(message); this.code = code } get name() { return "@nShown" } } const @nOne = new @n("bad", @v)',
    '@nOne.message',
    '@nOne.code = @v',
    'String(@nOne)',
    '@nOne instanceof Error',
    '(() => { throw new @n("thrown", @p) })()',
  ),
  classes(
    'class @n { *[Symbol.iterator]() { yield @p; yield this.k } [Symbol.toPrimitive]() { return @i } static [Symbol.hasInstance](o) { return o?.k === 1 } k = 1; async later() { return this.k } } const @nOne = new @n()',
    '[...@nOne].length',
    '+@nOne',
    '({ k: 1 }) instanceof @n',
    'await @nOne.later()',
    '@nOne.k = @v',
  ),
  classes(
    'const @n = ((Base) => { let made = 0; return class extends Base { constructor(...args) { super(...args); made++ } static count() { return made } mixed() { return made++ } } })(Object); const @nOne = new @n()',
    '@n.count()',
    '@nOne.mixed()',
    'new @n().mixed()',
    '@nOne.field = @v',
  ),
  classes(
    'class @n { #v = @v; handler = () => this.use(); use() { return typeof this.#v } with(other) { return other.#v === this.#v } } const @nOne = new @n(), { handler: @nHandler } = @nOne',
    '@nHandler()',
    '@nOne.with(@nOne)',
    '@nOne.with(new @n())',
    '@nOne.handler === @nHandler',
  ),
  classes(
    'class @n { accessor a = @v; static accessor b = @i; ["comp" + @i]() { return this.a } } const @nOne = new @n()',
    '@nOne.a = @v',
    '@n.b++',
    '@nOne.a',
    '@n.b',
  ),
  classes(
    'class @n extends @c { own = @v; me() { return "me" } } const @nOne = new @n()',
    '@nOne.me()',
    '@nOne.own = @v',
    '@nOne instanceof @n',
    'Object.keys(@nOne).join()',
  ),
  classes(
    'class @n { static list = []; static #count = 0; #id = ++@n.#count; constructor() { @n.list.push(this) } get id() { return this.#id } } const @nOne = new @n()',
    'new @n().id',
    '@n.list.length',
    '@n.list[0] === @nOne',
    '@nOne.id',
  ),
  classes(
    'class @n { parent = null; kids = []; add(kid) { kid.parent = this; this.kids.push(kid); return kid } depth() { return this.parent === null ? 0 : 1 + this.parent.depth() } } const @nOne = new @n(); const @nLeaf = @nOne.add(new @n()).add(new @n())',
    '@nLeaf.depth()',
    '@nLeaf.add(new @n()).depth()',
    '@nOne.kids.length = 0',
    '@nLeaf.parent.parent === @nOne',
  ),
  classes(
    'class @n { #x = @i; up = () => this.#x++; static peek(o) { return (() => o.#x)() } make() { let calls = 0; return { get: () => this.#x, set: (v) => { this.#x = v; return ++calls }, more: () => (v) => [v, this.#x, calls++] } } } const @nOne = new @n(), @nView = @nOne.make()',
    '@nOne.up()',
    '@n.peek(@nOne)',
    '@nView.get()',
    '@nView.set(@i)',
    '@nOne.more = @nView.more(), 0',
    '@nOne.more?.(@v).length',
    'new @n().make().set(@i)',
    '@nOne.up === @nOne.up',
  ),
  classes(
    'class @n extends Error { #status = @i; #causes = [@v]; constructor(message, v) { super(message); this.#causes.push(v) } get status() { return this.#status } bump() { return ++this.#status } count(v) { return this.#causes.push(v) } } const @nOne = new @n("hidden", @v)',
    '@nOne.bump()',
    '@nOne.status',
    '@nOne.count(@v)',
    'new @n("fresh", @p).bump()',
    '@nOne.message = "other"',
    '@nOne.note = @v',
  ),
  classes(
    'class @n extends Map { #hits = @i; get(key) { this.#hits++; return super.get(key) } get hits() { return this.#hits } } const @nOne = new @n([["a", @v]])',
    '@nOne.get("a")',
    '@nOne.hits',
    '@nOne.set("b", @v).size',
    'new @n([["c", 1]]).get("c")',
  ),
  // Not yet: arrows that use `super`.
  // classes('class @nBase { hi() { return "hi" } n = 1 } class @n extends @nBase { late() { return () => super.hi() + this.n++ } } const @nOne = new @n(), @nArrow = @nOne.late()', '@nArrow()', '@nOne.n', '@nOne.late()()'),
  classes(
    'let @nRuns = 0; class @n { constructor(public a = ++@nRuns, { b, c = 2 }: any = {}) { this.b = b; this.c = c } b; c; #p = @nRuns; p() { return this.#p } } const @nOne = new @n(1, { b: @v })',
    '@nOne.p()',
    '@nRuns',
    'new @n().p()',
    '@nOne.c = @v',
  ),
  classes(
    'function @nLog(value, { name }) { return function (...args) { return [name, value.apply(this, args)].join(":") } } class @n { @ @nLog m(x) { return x } v = @v } const @nOne = new @n()',
    '@nOne.m(@i)',
    '@nOne.v = @v',
  ),
  classes(
    'const @n = class Inner { static self() { return Inner === @n } static v = @v; who() { return Inner.name } } ; const @nOne = new @n()',
    '@n.self()',
    '@nOne.who()',
    '@n.v = @v',
  ),
];

/** More often the code than the data: there is more in it that can go wrong. */
export const THINGS: readonly Thing[] = [...DATA, ...FUNCTIONS, ...FUNCTIONS, ...CLASSES, ...CLASSES];
