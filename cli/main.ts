// The `cellburst` command: reads the command line by the table, calls one command, turns errors into sentences and exit codes.
import { didYouMean } from '../magics/config/nearest';
import { ClusterError, messageOf, UsageError } from '../magics/protocol/errors';
import { VERSION } from '../magics/protocol/version';
import { EXIT } from './exit';
import { manual, overview } from './help';
import { parseCall } from './parse';
import { COMMANDS } from './table';
import { openTerminal } from './terminal';

async function main(): Promise<number> {
  const [first, ...typed] = process.argv.slice(2);
  if (first === undefined) {
    process.stderr.write(overview(COMMANDS));
    return EXIT.usage;
  }
  if (first === '--version' || first === '-v') return say(`${VERSION}\n`);
  if (first === '--help' || first === '-h') return say(overview(COMMANDS));
  const { name, command } = find(first);
  const { words, flags } = parseCall(name, command, typed);
  if (flags.has('help')) return say(manual(name, command));
  const terminal = openTerminal(flags.has('json'));
  const code = await command.run({ words, flags, terminal });
  terminal.over('');
  return terminal.signal.aborted ? EXIT.interrupted : code;
}

function say(text: string): number {
  process.stdout.write(text);
  return EXIT.done;
}

function find(word: string) {
  const command = Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined;
  if (command !== undefined) return { name: word, command };
  const what = word.startsWith('-') ? 'option' : 'command';
  throw new UsageError(
    `There is no ${what} ${JSON.stringify(word)}.${didYouMean(word, Object.keys(COMMANDS))} \`cellburst --help\` lists what there is.`,
  );
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`cellburst: ${ClusterError.is(error) ? error.message : messageOf(error)}\n`);
    process.exitCode = error instanceof UsageError ? EXIT.usage : EXIT.failed;
  },
);
