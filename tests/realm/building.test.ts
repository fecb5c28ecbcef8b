// What builds functions from their code believes a graph nothing that would become source text.
import { bareGroup } from '../../magics/protocol/graph-activations';
import { ProtocolError } from '../../magics/protocol/errors';
import { lowerCell } from '../../language/lowering/lower';
import { Builder } from '../../magics/realm/building';
import { Realm } from '../../magics/realm/realm';

const source = 'const make = () => { let n = 0; const fixed = 1; return () => { n++; return [n, fixed] } }';

function open(): { builder: Builder; cell: string; inner: string } {
  const realm = new Realm({ directory: __dirname, text: 'local' });
  const code = lowerCell({
    source,
    masked: source,
    execution: 1,
    extension: '.ts',
    known: new Map(),
    typeOnly: new Set(),
  });
  realm.addCode(code);
  const inner = code.functions.find((entry) => entry.portals !== undefined);
  return {
    builder: new Builder(realm, { takesSource: false }),
    cell: code.id,
    inner: `${code.id}#${inner?.index ?? -1}`,
  };
}

test('functions of one activation are built in one scope, with the constants of each within', () => {
  const { builder, cell, inner } = open();
  const constants = { ...bareGroup([inner]), names: ['fixed'] };
  const built = builder.build({ ...bareGroup([]), portal: `${cell}#0`, names: ['n'], inner: [constants, constants] });
  built.activation.write([4]);
  const [one, two] = built.inner.map((group) => {
    group.activation.write([7]);
    return group.make(0, null) as () => unknown;
  });
  expect([one?.(), two?.(), built.activation.read()]).toEqual([[5, 7], [6, 7], [6]]);
});

test.each([
  ['an unknown variable', { names: ['zzz'] }],
  ['source text in place of a name', { names: ['n=globalThis.broken=1,m'] }],
  ['this of a scope that does not know it', { names: ['this'] }],
  ['an unknown scope', { portal: 'nowhere#0' }],
  ['a scope that is no number', { portal: '#__proto__' }],
  ['unknown code', { codes: ['nowhere#0'] }],
])('a group with %s is refused', (_, change) => {
  const { builder, cell } = open();
  expect(() => builder.build({ ...bareGroup([]), portal: `${cell}#0`, ...change })).toThrow(ProtocolError);
  expect('broken' in globalThis).toBe(false);
});
