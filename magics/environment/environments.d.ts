import type { JobPackages, ModuleRoot, PackageMode } from '../protocol/environment';
export interface EnvironmentRequest {
  readonly roots: readonly ModuleRoot[];
  /** The notebook's folder. */
  readonly directory: string;
  /** Its host, as the user names it; undefined: it works on this machine, or shares its file system. */
  readonly host: string | undefined;
  /** What the user asked for. */
  readonly mode?: PackageMode;
}
export declare class Environments {
  #private;
  constructor(state?: string);
  /** Throws EnvironmentSetupError when the packages cannot be brought. */
  prepare(request: EnvironmentRequest, signal: AbortSignal): Promise<JobPackages>;
  choose({ roots, directory, host, mode }: EnvironmentRequest): Promise<{
    mode: PackageMode;
    reason: string;
  }>;
}
