// Variables that functions closed over: as read out of the engine, and as built here for functions that came from elsewhere.
import { Activation } from '../protocol/graph';

/** Read once by the inspector. Cannot be written. */
export class FreshActivation extends Activation {
  readonly names: readonly string[];
  readonly #values: readonly unknown[];

  constructor(names: readonly string[], values: readonly unknown[]) {
    super();
    this.names = names;
    this.#values = values;
  }

  read(): readonly unknown[] {
    return this.#values;
  }

  write(): boolean {
    return false;
  }
}

export interface ActivationAccess {
  read(): unknown[];
  write(values: readonly unknown[]): void;
}

/** Built by our own code, which can read and write it. */
export class BuiltActivation extends Activation {
  readonly names: readonly string[];
  readonly #access: ActivationAccess;

  constructor(names: readonly string[], access: ActivationAccess) {
    super();
    this.names = names;
    this.#access = access;
  }

  read(): readonly unknown[] {
    return this.#access.read();
  }

  write(values: readonly unknown[]): boolean {
    this.#access.write(values);
    return true;
  }
}
