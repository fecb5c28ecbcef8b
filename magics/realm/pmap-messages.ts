// What passes between `pmap` and its threads.
import type { CodePack } from '../protocol/bundle';
import type { Graph } from '../protocol/graph';
import type { OutputRecord } from '../protocol/output';

export type ToThread =
  /** The function and all items: the first two roots of the graph. */
  | { readonly type: 'open'; readonly pack: CodePack; readonly graph: Graph; readonly packages?: string }
  /** Items `from` up to, not including, `to`. */
  | { readonly type: 'map'; readonly from: number; readonly to: number };

export type FromThread =
  /** Ready for the first items, or the next ones. */
  | { readonly type: 'opened' }
  | { readonly type: 'mapped'; readonly from: number; readonly graph: Graph }
  /** The function threw, or its result cannot travel: root 0 of the graph. `index` is absent when it could not even be opened. */
  | { readonly type: 'failed'; readonly index?: number; readonly graph: Graph }
  | { readonly type: 'output'; readonly record: OutputRecord };
