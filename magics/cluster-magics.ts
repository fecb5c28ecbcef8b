// `%%cluster` and `%cluster` as entries of the table: what they offer and explain comes from their tables of options and commands.
import { runCluster } from './cluster';
import { commandsHelp, COMMANDS, runCommand } from './commands';
import { offerFs } from './fs-magic';
import type { MagicLine } from './line';
import { offer, type Magic, type MagicPlace, type Offers } from './magic';
import { completePaths } from './paths';
import { ENV_VERBS } from './environment-shown';
import { findOption, optionNames, OPTIONS, optionsHelp } from './options';

export const clusterCell: Magic = {
  usage: '%%cluster [NAME] [OPTIONS]',
  help: 'Runs the cell on a cluster. %%cluster --help tells the options.',
  manual: ({ clusters }) => optionsHelp(clusters),
  run: ({ cell, line, session }) => runCluster(cell, line, session),
  offers: offerOptions,
  explain(line, at) {
    const index = wordAt(line, at);
    const declared =
      findOption(line.words[index]?.text.split('=')[0] ?? '') ?? findOption(line.words[index - 1]?.text ?? '');
    return declared && `${[declared.flag, declared.argument].filter(Boolean).join(' ')}\n\n${declared.help}`;
  },
};

export const clusterLine: Magic = {
  usage: '%cluster COMMAND',
  help: 'Looks after jobs and clusters. %cluster help tells the commands.',
  manual: () => commandsHelp(),
  run: ({ cell, line, session }) => runCommand(cell, line, session),
  offers: offerCommands,
  explain(line, at) {
    const command = COMMANDS[line.words[wordAt(line, at)]?.text ?? line.words[0]?.text ?? ''];
    return command && `%cluster ${command.usage}\n\n${command.help}`;
  },
};

async function offerOptions({ partial, earlier, session }: MagicPlace): Promise<Offers> {
  const equals = partial.indexOf('=');
  const flag = findOption(equals > 0 ? partial.slice(0, equals) : (earlier.at(-1) ?? ''));
  if (flag?.argument === 'FILES') {
    const kept = equals > 0 ? equals + 1 : 0;
    return { ...offer('path', await completePaths(partial.slice(kept), session.workingDirectory, 'all')), kept };
  }
  if (flag?.argument !== undefined)
    return { ...offer('value', flag.examples ?? []), ...(equals > 0 ? { kept: equals + 1 } : {}) };
  const flags = offer(
    'option',
    optionNames().map((name) => OPTIONS[name].flag),
  );
  const named = earlier.some((word) => session.clusters.includes(word));
  return { words: [...offer('cluster', named ? [] : session.clusters).words, ...flags.words] };
}

async function offerCommands(place: MagicPlace): Promise<Offers> {
  const { earlier, partial, session, jobs } = place;
  const [verb, ...rest] = earlier;
  if (verb === 'fs') return await offerFs(rest, partial, session);
  if (verb === undefined) return offer('command', Object.keys(COMMANDS));
  const argument = COMMANDS[verb]?.argument;
  if (argument === 'options') return offerOptions({ ...place, earlier: rest });
  if (argument === 'env') {
    if (earlier.length === 1) return offer('command', ENV_VERBS);
    return offer('cluster', earlier.length === 2 && rest[0] === 'diff' ? session.clusters : []);
  }
  if (argument === 'config') {
    if (earlier.length === 1) return offer('command', ['explain']);
    return offer('cluster', earlier.length > 2 ? [] : session.clusters.slice(1));
  }
  if (earlier.length > 1) return { words: [] };
  if (argument === 'cluster') return offer('cluster', session.clusters);
  return offer('job', argument === 'job' ? await jobs() : []);
}

function wordAt(line: MagicLine, at: number): number {
  return line.words.findIndex(({ start, end }) => at >= start && at <= end);
}
