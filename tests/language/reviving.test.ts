// Classes as the realm makes them again: instances without running the user's code, private fields read and set from outside.
import * as vm from 'node:vm';
import { RUNTIME, type PrivateAccess } from '../../magics/protocol/code';
import { TestNotebook, type Form } from './cells';

interface Revive {
  on: boolean;
  readonly accesses: Map<object, PrivateAccess>;
}

function reviveOf(notebook: TestNotebook): Revive {
  return vm.runInContext(RUNTIME.revive, notebook.context) as Revive;
}

/** What the realm does: construct blank, then set the private fields of every class of the chain. */
function copyOf(notebook: TestNotebook, original: object): object {
  const revive = reviveOf(notebook);
  const owner = original.constructor as new () => object;
  revive.on = true;
  const blank = Reflect.construct<[], object>(owner, []);
  revive.on = false;
  for (const key of Reflect.ownKeys(blank)) Reflect.deleteProperty(blank, key);
  for (let at: unknown = owner; typeof at === 'function'; at = Reflect.getPrototypeOf(at)) {
    const access = revive.accesses.get(at);
    access?.set(blank, access.get(original));
  }
  return Object.assign(blank, original);
}

describe.each<Form>(['local', 'shipped'])('%s text', (form) => {
  test('a two-level class with private fields comes back without running its code', async () => {
    const notebook = new TestNotebook(form);
    const original = (await notebook.run(`
      let made = 0, constructed = 0;
      class Base { #id = ++made; kind = String(made); constructor(x: number, { deep: [first] }: any = { deep: [constructed++] }) { (this as any).x = x + first; constructed++ } get id() { return this.#id } }
      class D extends Base { #secret: string; #late; label = (constructed++, "l"); constructor(s: string, ...rest: number[]) { constructed++; super(1); this.#secret = s; this.#late = rest } peek() { return this.#secret + this.#late } static is(o: object) { return #secret in o } }
      new D("s3", 4, 5)`)) as object;
    const before = [notebook.get('made'), notebook.get('constructed')];
    const copy = copyOf(notebook, original);
    expect([notebook.get('made'), notebook.get('constructed')]).toEqual(before);
    Object.assign(notebook.context, { copy });
    expect(
      await notebook.run(
        'const c = globalThis.copy; [c instanceof D, D.is(c), c.peek(), c.id, c.kind, c.x, c.label].join()',
        '.js',
      ),
    ).toBe('true,true,s34,5,1,1,2,l');
  });

  test('constructors keep their length and the meaning of their parameters', async () => {
    const notebook = new TestNotebook(form);
    await notebook.run(
      'const log: unknown[] = []; class A { #p = 1; constructor(a: number, b = a + 1, { c = b }: any = {}, [d]: number[] = [c], ...rest: number[]) { log.push([a, b, c, d, rest, arguments.length, this.#p]) } } class B { #p = 2; constructor({ x }: { x: number }, ...ys: number[]) { log.push([x, ys]) } }',
    );
    expect(
      await notebook.run(
        'new A(1); new A(1, undefined, { c: 3 }, [4], 5, 6); new B({ x: 1 }, 2); JSON.stringify([log, A.length, B.length])',
      ),
    ).toBe('[[[1,2,2,2,[],1,1],[1,2,3,4,[5,6],6,1],[1,[2]]],1,1]');
  });

  test('static state is skipped while a class is evaluated again, and private statics can be set', async () => {
    const notebook = new TestNotebook(form);
    await notebook.run(
      'let effects = 0; const make = () => class S { static #n = ++effects; static list = [effects++]; static { effects++ } static f = () => 7; #q = 1; static read() { return S.#n } }; const First = make()',
    );
    expect(notebook.get('effects')).toBe(3);
    const revive = reviveOf(notebook);
    revive.on = true;
    await notebook.run('const Again = make()');
    revive.on = false;
    expect(notebook.get('effects')).toBe(3);
    const [first, again] = [notebook.get('First'), notebook.get('Again')].map(
      (owner) => revive.accesses.get(owner as object)?.statics,
    );
    again?.set(first?.get() ?? {});
    expect(await notebook.run('[Again.read(), Again.f(), Again.f.name, Again.list].join()')).toBe('1,7,f,');
  });

  test('names, decorators, accessors and errors of classes stay', async () => {
    const notebook = new TestNotebook(form);
    expect(
      await notebook.run(
        'class N { #f = () => 1; g = function () {}; names() { return [this.#f.name, this.g.name].join() } } new N().names()',
      ),
    ).toBe('#f,g');
    expect(
      await notebook.run(
        'const dec = (v: any, c: any) => (x: number) => x + 1; class Acc { accessor v = 1; @dec w = 5 } ; const acc = new Acc(); acc.w',
      ),
    ).toBe(6);
    expect(
      await notebook.run(
        'class Failed extends Error { constructor(public code: number) { super("f" + code) } } const e = new Failed(3); e.message + e.code + (e instanceof Error)',
      ),
    ).toBe('f33true');
    expect(
      await notebook.run(
        'const Mixin = <T extends new (...a: any[]) => object>(B: T) => class extends B { extra = String(1) }; new (Mixin(class { base = 2 }))().extra',
      ),
    ).toBe('1');
    expect(await notebook.run('class Nul extends (null as any) { static ok = String(1) } Nul.ok')).toBe('1');
  });
});

test('a plain class has nothing added', () => {
  const { shipped } = new TestNotebook().lower(
    'class P { x = f(); constructor(a = 1) {} m() {} } class Q extends Error { y = f() }',
  );
  expect(shipped.text).not.toContain(RUNTIME.revive);
});

test('captured variables that are assigned are shared through a portal', () => {
  const { functions } = new TestNotebook().lower(
    'const make = () => { let n = 0, fixed = 1; let later; later = 2; return [() => n++, () => fixed, () => later, () => [n] ] }; for (let i = 0; i < 2; i++) make.push(() => i)',
  );
  expect(functions.slice(1).map(({ captures, portals }) => [captures.join(), portals?.[0]?.names.join()])).toEqual([
    ['n', 'n'],
    ['fixed', undefined],
    ['later', 'later'],
    ['n', 'n'],
    ['i', undefined],
  ]);
});
