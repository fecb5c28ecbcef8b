// How the packages of a cell come to its cluster: the mode that was asked for, or the one that fits, with the reason.
import type { JobPackages, ModuleRoot, PackageMode } from '../protocol/environment';
import type { HostFacts } from '../protocol/host-facts';
import { stateDirectory } from '../protocol/platform';
import { bundle, isNative, label } from './bundle';
import { Looks } from './look';
import type { EnvironmentMode } from './mode';
import { none } from './none';
import { npm } from './npm';

export interface EnvironmentRequest {
  readonly roots: readonly ModuleRoot[];
  /** The notebook's folder. */
  readonly directory: string;
  /** Its host, as the user names it; undefined: it works on this machine, or shares its file system. */
  readonly host: string | undefined;
  /** It works in an image, which sees little of its machine. */
  readonly isContained: boolean;
  /** What the user asked for. */
  readonly mode?: PackageMode;
  /** Asks what the machine is that jobs are sent to. */
  readonly facts: () => Promise<HostFacts>;
}

type Choice = Pick<JobPackages, 'mode' | 'reason'>;

const MODES: Readonly<Record<PackageMode, EnvironmentMode>> = { none, bundle, npm };

export class Environments {
  readonly #looks: Looks;
  #isAnticipated = false;

  constructor(state = stateDirectory()) {
    this.#looks = new Looks(state);
  }

  /** To be called while a cell is being captured. */
  anticipate(): void {
    this.#looks.anticipate();
    this.#isAnticipated = true;
  }

  /** Throws EnvironmentSetupError when the packages cannot be brought. */
  async prepare(request: EnvironmentRequest, signal: AbortSignal): Promise<JobPackages> {
    const { roots, directory, facts, isContained } = request;
    if (!this.#isAnticipated) this.#looks.begin();
    this.#isAnticipated = false;
    const { mode, reason } = await this.#choose(request);
    return MODES[mode].prepare(
      { roots, directory, looks: this.#looks, host: isContained ? withoutNpm(facts) : facts, reason },
      signal,
    );
  }

  /** For a look ahead. */
  choose(request: EnvironmentRequest): Promise<Choice> {
    this.#looks.begin();
    return this.#choose(request);
  }

  async #choose({ roots, directory, host, isContained, mode }: EnvironmentRequest): Promise<Choice> {
    if (mode !== undefined) return { mode, reason: `--env-mode ${mode}` };
    if (roots.length === 0) return { mode: 'none', reason: 'the cell uses no packages' };
    if (host === undefined && !isContained)
      return { mode: 'none', reason: 'the packages of this machine are used in place' };
    const { packages, unreadable } = await this.#looks.look(roots, directory);
    const natives = packages.filter(isNative);
    if (natives.length > 0) return { mode: 'npm', reason: `it has binaries: ${natives.map(label).join(', ')}` };
    if (unreadable !== undefined)
      return { mode: 'npm', reason: 'what the cell reaches of its packages cannot be told' };
    return { mode: 'bundle', reason: 'every package that the cell reaches is plain JavaScript' };
  }
}

/** The machine's own npm is not seen in an image. */
function withoutNpm(facts: EnvironmentRequest['facts']): EnvironmentRequest['facts'] {
  return async () => {
    const { node, abi, os, arch, libc } = await facts();
    return { node, abi, os, arch, libc };
  };
}
