// What a way to bring packages is: one value for each word of `--env-mode`.
import type { JobPackages, ModuleRoot } from '../protocol/environment';
import type { HostFacts } from '../protocol/host-facts';
import type { Looks } from './look';

export interface Wanted {
  /** What the cell loads, builtins aside. */
  readonly roots: readonly ModuleRoot[];
  /** The notebook's folder. */
  readonly directory: string;
  readonly looks: Looks;
  /** The machine that jobs are sent to. Compute nodes may differ from it. Throws TransportError where it cannot be asked. */
  readonly host: () => Promise<HostFacts>;
  /** Why this mode was taken. */
  readonly reason: string;
}

export interface EnvironmentMode {
  /** Has all that the agent needs in the state directory when it resolves. Throws EnvironmentSetupError when this way cannot serve these packages. */
  prepare(wanted: Wanted, signal: AbortSignal): Promise<JobPackages>;
}
