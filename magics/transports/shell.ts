// The one place where shell text is made, always from argument lists. POSIX sh (IEEE Std 1003.1-2017, XCU 2.2): what is quoted here means itself.
import { UsageError } from '../protocol/errors';

/** A program and its arguments, each one as the program shall see it. */
export type Argv = readonly [string, ...string[]];

const PLAIN = /^[A-Za-z0-9_@%+:,./-]+$/;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** One word of shell text that stands for exactly `word`. Throws UsageError for a NUL, which no argument can hold. */
export function quote(word: string): string {
  if (PLAIN.test(word)) return word;
  if (word.includes('\0'))
    throw new UsageError(`${JSON.stringify(word)} holds a NUL character, which no command can be given.`);
  // Quotes can close and open again anywhere. A line that began with # would be read by qsub, which looks for directives in the whole script; a carriage
  // return, which makes sbatch refuse the script, is made when the script runs.
  const parts = word
    .split('\r')
    .map((part) => `'${part.replaceAll("'", String.raw`'\''`).replaceAll('\n#', "\n''#")}'`);
  return parts.join(`"$(printf '\\r')"`);
}

/** A command as one line (or more, if an argument has line ends) of shell text. */
export function commandLine(argv: Argv): string {
  return argv.map(quote).join(' ');
}

/** `NAME='value'`. Throws UsageError for a name that sh does not take. */
export function assignment(name: string, value: string): string {
  if (!VARIABLE.test(name))
    throw new UsageError(
      `${JSON.stringify(name)} is no name for an environment variable: letters, digits and _ only, no digit first.`,
    );
  return `${name}=${quote(value)}`;
}

/** `export NAME='value'`. Throws UsageError for a name that sh does not take. */
export function exportLine(name: string, value: string): string {
  return `export ${assignment(name, value)}`;
}

/** A command that runs `command` once per word, the word as its last argument: for programs that answer about one thing at a time. */
export function forEach(command: Argv, words: readonly string[]): Argv {
  return ['sh', '-c', `for word do ${commandLine(command)} "$word"; done`, 'sh', ...words];
}

/** The command in a changed environment. */
export function withEnvironment(environment: Readonly<Record<string, string>>, command: Argv): Argv {
  return ['env', ...Object.entries(environment).map(([name, value]) => `${name}=${value}`), ...command];
}

export interface ScriptParts {
  /** Lines for the scheduler, comments to the shell: `#SBATCH --nodes=1`. */
  readonly directives: readonly string[];
  /** For people: what this is. */
  readonly title: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Shell lines of the user's own config, as they are: `module load node`. */
  readonly prologue?: readonly string[];
  /** Absolute; where the command runs. */
  readonly directory: string;
  readonly command: Argv;
}

/** Exit code of a script whose directory is not there: EX_OSFILE of sysexits.h. */
export const NO_DIRECTORY = 72;

/** A batch script: its shell is replaced by the command, so signals and the exit code are the command's own. */
export function batchScript(parts: ScriptParts): string {
  const directory = quote(parts.directory);
  return [
    '#!/bin/sh',
    ...parts.directives,
    `# ${parts.title.replaceAll(/[\r\n]+/g, ' ')}`,
    ...Object.entries(parts.environment).map(([name, value]) => exportLine(name, value)),
    ...(parts.prologue ?? []),
    `cd -- ${directory} || exit ${NO_DIRECTORY}`,
    `exec ${commandLine(parts.command)}`,
    '',
  ].join('\n');
}
