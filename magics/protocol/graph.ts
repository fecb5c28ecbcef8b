// The codec of notebook values: everything of a graph as it is, or refused by path. See graph-format.ts for the format.
export { encodeGraph } from './graph-encode';
export type { EncodeOptions, Encoded, Known, Numbered } from './graph-encode';
export { decodeGraph } from './graph-decode';
export { pathTo, withCapturedPath } from './graph-paths';
export { parentsOf, scanGraph } from './graph-scan';
export { sizesOf } from './graph-sizes';
export type { Sizes } from './graph-sizes';
export { applyIntegrity } from './graph-extras';
export type {
  BlobSource,
  BufferChunk,
  BufferContent,
  Changed,
  DecodeOptions,
  Decoded,
  ReadableGraph,
} from './graph-decode';
export { Activation, HOME, NotDecoded, SELF, UNINITIALISED } from './graph-hooks';
export type { RootNames } from './graph-filling';
export type {
  BuildPlace,
  BuiltGroup,
  Coded,
  DecodeHooks,
  EncodeHooks,
  FunctionGroup,
  FunctionShape,
  PrivateState,
  RefusalReason,
  Settled,
} from './graph-hooks';
export type { ByteRange } from './graph-buffers';
export { INTEGRITY, KIND } from './graph-format';
export type { Graph, GraphColumns } from './graph-format';
