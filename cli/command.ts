// What a command declares. One table of these serves parsing, help, completion and the reference (table.ts).
import type { Terminal } from './terminal';

/** What can stand in a place, for completion. */
export type Values = 'job' | 'cluster' | 'file' | 'text' | readonly string[];

export interface Argument {
  readonly name: string;
  readonly values: Values;
  readonly isOptional?: boolean;
}

export interface Flag {
  /** Without its dashes. */
  readonly name: string;
  readonly short?: string;
  /** Other words for the same, without dashes. */
  readonly aliases?: readonly string[];
  /** The placeholder of its value; without one it is a switch. */
  readonly argument?: string;
  readonly values?: Values;
  readonly isRepeatable?: boolean;
  readonly help: string;
  /** The heading under which it is listed; the flags of a group follow each other. */
  readonly group?: string;
}

export interface Command {
  /** Behind the name: `[-f] ID`. */
  readonly usage: string;
  /** One line. */
  readonly about: string;
  /** What a person should know who reads the whole of it. */
  readonly more?: string;
  readonly args: readonly Argument[];
  readonly flags: readonly Flag[];
  /** Its words are its own: they are not read here. */
  readonly isRaw?: boolean;
  /** Not listed. */
  readonly isHidden?: boolean;
  /** Gives the exit code. */
  run(call: Call): Promise<number> | number;
}

export interface Call {
  readonly words: readonly string[];
  readonly flags: Given;
  readonly terminal: Terminal;
}

/** The flags of one call. */
export class Given {
  readonly #values: Readonly<Record<string, readonly string[]>>;

  constructor(values: Readonly<Record<string, readonly string[]>>) {
    this.#values = values;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#values, name);
  }

  /** Undefined when it was not given. */
  text(name: string): string | undefined {
    return this.all(name).at(-1);
  }

  all(name: string): readonly string[] {
    return this.has(name) ? (this.#values[name] ?? []) : [];
  }
}
