// One connection per host, whichever clusters of the config lie behind it: a code that was typed once counts for all of them.
import type { ClusterConfig } from '../config';
import type { Ask } from './ask';
import type { Host } from './host';
import { OpenSshHost } from './openssh';
import { SshHost } from './ssh';

export class Hosts {
  readonly #ask: Ask;
  readonly #open = new Map<string, { readonly host: Host; users: number }>();

  /** `ask` reaches a person, if there is one. */
  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** The host as one of its users has it: the connection ends when the last of them lets go. */
  take({ host: name, transport, sshConfig }: ClusterConfig & { readonly host: string }): Host {
    const key = JSON.stringify([name, transport, sshConfig]);
    const options = { host: name, ask: this.#ask, ...(sshConfig === undefined ? {} : { configPath: sshConfig }) };
    const shared = this.#open.get(key) ?? {
      host: transport === 'openssh' ? new OpenSshHost(options) : new SshHost(options),
      users: 0,
    };
    this.#open.set(key, shared);
    shared.users += 1;
    let isHeld = true;
    const host: Host = shared.host;
    return {
      name,
      exec: (command, signal) => host.exec(command, signal),
      ...(host.reach === undefined ? {} : { reach: host.reach.bind(host) }),
      [Symbol.asyncDispose]: async () => {
        if (!isHeld) return;
        isHeld = false;
        shared.users -= 1;
        if (shared.users > 0) return;
        this.#open.delete(key);
        await shared.host[Symbol.asyncDispose]();
      },
    };
  }
}
