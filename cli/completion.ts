// Completion of the command line. The shells' scripts are a few lines each and ask `cellburst complete`, which answers from the table of commands: so what is
// completed is what is understood. An answer is a line: the word, a tab, what it is for. `:files` leaves the word to the shell.
import { connectAgent, type AgentConnection } from '../magics/client';
import { offerFs } from '../magics/fs-magic';
import { FS_VERBS } from '../magics/fs';
import { ClusterError } from '../magics/protocol/errors';
import type { Argument, Call, Command, Flag, Values } from './command';
import { runningAgent } from './agent';
import { EXIT } from './exit';
import { GLOBAL_FLAGS } from './parse';
import { folderSession } from './session';
import { stateWord } from './show';

type Table = Readonly<Record<string, Command>>;

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

interface Candidate {
  readonly word: string;
  readonly about: string;
}

const FILES = ':files';

/** `typed`: the words behind `cellburst`, the last of them as far as it is typed. */
export async function complete(commands: Table, { words: typed, terminal }: Call): Promise<number> {
  const word = typed.at(-1) ?? '';
  const earlier = typed.slice(0, -1);
  try {
    const offers = await offer(commands, earlier, word);
    const lines =
      offers === FILES
        ? [FILES]
        : offers
            .filter((candidate) => candidate.word.startsWith(word))
            .map(({ word: whole, about }) => `${whole}\t${about.replace(/\s+/g, ' ')}`);
    terminal.out(lines.map((line) => `${line}\n`).join(''));
  } catch (error) {
    // A mistake in the config, or no agent: told when a command is run. Who completes gets nothing.
    if (!ClusterError.is(error)) throw error;
  }
  return EXIT.done;
}

type Offers = readonly Candidate[] | typeof FILES;

async function offer(commands: Table, earlier: readonly string[], word: string): Promise<Offers> {
  const [name, ...rest] = earlier;
  if (name === undefined) {
    const listed = Object.entries(commands).filter(([, { isHidden }]) => isHidden !== true);
    const flags = word.startsWith('-')
      ? [
          { word: '--help', about: '' },
          { word: '--version', about: '' },
        ]
      : [];
    return [...listed.map(([own, { about }]) => ({ word: own, about })), ...flags];
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) return [];
  if (name === 'fs') return offerOfFs(rest, word);
  const flags = [...command.flags, ...GLOBAL_FLAGS];
  const open = openFlag(rest, flags);
  if (open !== undefined) return valuesOf(open.values ?? 'text');
  if (word.startsWith('-')) return flags.map(({ name: own, help }) => ({ word: `--${own}`, about: help }));
  const argument = nextArgument(rest, flags, command.args);
  return argument === undefined ? [] : valuesOf(argument.values);
}

/** The flag whose value is being typed. */
function openFlag(earlier: readonly string[], flags: readonly Flag[]): Flag | undefined {
  const last = earlier.at(-1);
  return flags.find(
    ({ name, short, argument }) =>
      argument !== undefined && (last === `--${name}` || (short !== undefined && last === `-${short}`)),
  );
}

function nextArgument(
  earlier: readonly string[],
  flags: readonly Flag[],
  args: readonly Argument[],
): Argument | undefined {
  const words = earlier.filter(
    (word, place) => !word.startsWith('-') && openFlag(earlier.slice(0, place), flags) === undefined,
  );
  return args[words.length];
}

async function valuesOf(values: Values): Promise<Offers> {
  if (values === 'file') return FILES;
  if (values === 'text') return [];
  if (values === 'cluster') return folderSession().clusters.map((word) => ({ word, about: 'cluster' }));
  if (values === 'job') return await jobs();
  return values.map((word) => ({ word, about: '' }));
}

/** Newest first. No agent is started for them. */
async function jobs(): Promise<Candidate[]> {
  const found = await runningAgent();
  if (ClusterError.is(found)) return [];
  await using agent = found;
  const all = await agent.jobs();
  return [...all].reverse().map(({ id, status, spec }) => ({ word: id, about: `${stateWord(status)}: ${spec.name}` }));
}

async function offerOfFs(earlier: readonly string[], word: string): Promise<Offers> {
  const session = folderSession();
  const verb = FS_VERBS[earlier[0] ?? ''];
  const takes = verb?.takes[earlier.slice(1).filter((each) => !each.startsWith('-')).length];
  if (takes === 'here') return FILES;
  let connected: AgentConnection | undefined;
  try {
    const agent = async () => (connected ??= await connectAgent());
    const { words } = await offerFs(earlier, word, { ...session, agent });
    return words.map(({ text }) => ({ word: text, about: FS_VERBS[text]?.help ?? '' }));
  } finally {
    await connected?.[Symbol.asyncDispose]();
  }
}

export function completionScript(shell: (typeof SHELLS)[number]): string {
  return SCRIPTS[shell];
}

const SCRIPTS: Readonly<Record<(typeof SHELLS)[number], string>> = {
  bash: `# Completion of cellburst for bash. In ~/.bashrc:  eval "$(cellburst completion bash)"
_cellburst() {
  local line word words=() cut
  # bash takes hpc:runs and --cores=4 apart; they are put together again, and what stands before the last colon is cut off the answers.
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do
    if ((\${#words[@]})) && [[ $word == [:=]* || \${words[-1]} == *[:=] ]]; then
      words[-1]+=$word
    else
      words+=("$word")
    fi
  done
  word=\${words[-1]-}
  cut=\${word%"\${word##*:}"}
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == ${FILES} ]]; then
      compopt -o default
      COMPREPLY=()
      return
    fi
    line=\${line%%$'\\t'*}
    COMPREPLY+=("\${line#"$cut"}")
  done < <(cellburst complete -- "\${words[@]}" 2>/dev/null)
  [[ \${COMPREPLY[0]-} == *[:/] ]] && compopt -o nospace
}
complete -o nosort -F _cellburst cellburst
`,
  zsh: `#compdef cellburst
# Completion of cellburst for zsh. In ~/.zshrc, after compinit:  eval "$(cellburst completion zsh)"
_cellburst() {
  local line word
  local -a candidates
  while IFS= read -r line; do
    if [[ $line == ${FILES} ]]; then
      _files
      return
    fi
    word=\${line%%$'\\t'*}
    candidates+=("\${word//:/\\\\:}:\${line#*$'\\t'}")
  done < <(cellburst complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe cellburst candidates
}
compdef _cellburst cellburst
`,
  fish: `# Completion of cellburst for fish. In ~/.config/fish/config.fish:  cellburst completion fish | source
function __cellburst_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l answers (cellburst complete -- $words[2..-1] 2>/dev/null)
    if test "$answers[1]" = ${FILES}
        __fish_complete_path (commandline -ct)
    else if set -q answers[1]
        printf '%s\\n' $answers
    end
end
complete -c cellburst -f -a '(__cellburst_complete)'
`,
};
