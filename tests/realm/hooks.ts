// Hooks for graphs without code of a notebook: builtins are known, functions are refused.
import type { DecodeHooks, EncodeHooks } from '../../magics/protocol/graph';
import { References } from '../../magics/realm/references';

const references = new References();
const unknownCode = { kind: 'refused', reason: { what: 'code', advice: 'no code in this test' } } as const;
export const encodeHooks: EncodeHooks = {
  pathOf: (value) => references.pathOf(value),
  describe: (value) => {
    const bound = boundParts.get(value);
    return bound === undefined ? unknownCode : { kind: 'bound', ...bound };
  },
  isImplied: () => false,
  refuse: () => undefined,
  codedBy: () => undefined,
  settledAs: () => undefined,
  packageClassOf: () => undefined,
  namesOf: () => [],
  privatesOf: () => [],
  kept: undefined,
  nameOf: () => '',
  parentOf: ({ parent }) => parent,
};
export const decodeHooks: DecodeHooks = {
  resolve: (path) => references.resolve(path),
  build: () => {
    throw new Error('no code in this test');
  },
  decodeBy: () => {
    throw new Error('no codecs in this test');
  },
  member: () => undefined,
  revive: () => {
    throw new Error('no code in this test');
  },
  setPrivates: () => false,
  settleHome: () => false,
  fromSource: () => {
    throw new Error('no code in this test');
  },
};
export const boundParts = new WeakMap<object, { target: object; self: unknown; args: unknown[] }>();
