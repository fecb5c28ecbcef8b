import type { ArchiveReference, ModuleRoot } from '../protocol/environment';
import { type Collected } from './collect';
export interface Look extends Collected {
  /** Modules that are not installed here. */
  readonly missing: readonly string[];
}
export declare class Looks {
  #private;
  /** `state`: where archives are kept. */
  constructor(state: string);
  look(roots: readonly ModuleRoot[], directory: string): Promise<Look>;
  /** All that the modules reach as one archive. */
  archive(roots: readonly ModuleRoot[], directory: string, signal: AbortSignal): Promise<ArchiveReference>;
}
