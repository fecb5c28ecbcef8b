// `%cluster jobs`, `%cluster attach ID` …: one table serves running, help, completion and inspection.
import type { AgentConnection } from './client';
import type { ClusterSession } from './cluster';
import { bringHome } from './home';
import { startAllocation, stopAllocations } from './allocations';
import { showConfig, showExplained } from './config-shown';
import { runDoctor } from './doctor';
import { runEnv } from './environment-shown';
import { FS_VERBS } from './fs';
import { runFsMagic } from './fs-magic';
import { showJob } from './job-shown';
import { pointAt, type MagicLine, type Word } from './line';
import type { Cell, CellOutcome } from './namespace';
import { runCapture } from './capture-command';
import { didYouMean } from './config/nearest';
import { UsageError } from './protocol/errors';
import { isFinal, isUnfetched, type JobRecord } from './protocol/job';
import { answering } from './questions';
import { OutputReader } from './protocol/output';
import { showJobs, showText, stateInWords, succeed } from './show';
import { twoColumns } from './two-columns';

interface Call {
  /** What stands behind the command. */
  readonly words: readonly Word[];
  readonly line: MagicLine;
  readonly cell: Cell;
  readonly session: ClusterSession;
  /** The home agent, started when a command needs it. */
  readonly agent: () => Promise<AgentConnection>;
}

interface Command {
  readonly usage: string;
  readonly help: string;
  /** What its argument names, for completion. */
  readonly argument?: 'job' | 'cluster' | 'config' | 'env' | 'options';
  run(call: Call): Promise<CellOutcome>;
}

export const COMMANDS: Readonly<Record<string, Command>> = {
  jobs: {
    usage: 'jobs [--all | ID]',
    help: 'Lists the jobs of this notebook, newest first; --all: of all your notebooks; ID: all that is known of one, and what differs where it ran.',
    argument: 'job',
    async run({ words, line, agent, session }) {
      const usage = 'jobs [--all | ID]';
      if (words.length > 0 && words[0]?.text.startsWith('-') === false)
        return succeed(showJob(await (await agent()).job(argumentOf(words, line, usage).text), Date.now()));
      const isAll = flagOf(words, line, '--all', usage);
      const jobs = await (await agent()).jobs();
      const shown = isAll ? jobs : jobs.filter((job) => isOfNotebook(job, session));
      const others = jobs.length - shown.length;
      return succeed(
        showJobs(shown, Date.now(), others === 0 ? '' : `${others} more of other notebooks: %cluster jobs --all`),
      );
    },
  },
  forget: {
    usage: 'forget ID [--unfetched]',
    help: 'Deletes what is kept of a job that has ended. --unfetched: also a result that is in no notebook yet.',
    argument: 'job',
    async run({ words, line, agent: connect }) {
      const usage = 'forget ID [--unfetched]';
      const ids = words.filter(({ text }) => text !== '--unfetched');
      const agent = await connect();
      const job = await agent.job(argumentOf(ids, line, usage).text);
      if (isUnfetched(job) && ids.length === words.length)
        throw new UsageError(
          `Job ${job.id} has a result that is in no notebook yet. Bring it home with %cluster attach ${job.id}, or say %cluster forget ${job.id} --unfetched.`,
        );
      await agent.discard(job.id);
      return succeed(showText(`Job ${job.id} is forgotten.`));
    },
  },
  logs: {
    usage: 'logs ID',
    help: 'Shows what a job has printed so far.',
    argument: 'job',
    async run({ words, line, cell, agent: connect }) {
      const agent = await connect();
      const job = await agent.job(argumentOf(words, line, 'logs ID').text);
      const reader = new OutputReader();
      if (job.outputBytes === 0)
        return succeed(showText(`Job ${job.id} has printed nothing${isFinal(job.status) ? '' : ' so far'}.`));
      // A running job's output does not end: what was there when the command was given is shown.
      for await (const { bytes, next } of agent.output(job.id, { signal: cell.signal })) {
        for (const { record } of reader.push(bytes)) cell.output.write(record);
        if (next >= job.outputBytes && !isFinal(job.status)) break;
      }
      return succeed();
    },
  },
  cancel: {
    usage: 'cancel ID',
    help: 'Ends a job. There is no undo.',
    argument: 'job',
    async run({ words, line, agent: connect }) {
      const agent = await connect();
      const job = await agent.cancel((await agent.job(argumentOf(words, line, 'cancel ID').text)).id);
      return succeed(
        showText(`Job ${job.id}: ${job.status.state === 'running' ? 'cancelling …' : stateInWords(job.status)}`),
      );
    },
  },
  hold: {
    usage: 'hold ID',
    help: 'Keeps a job that waits from starting, until `release`.',
    argument: 'job',
    run: (call) => change('hold', call),
  },
  release: {
    usage: 'release ID',
    help: 'Lets a job that is held go on.',
    argument: 'job',
    run: (call) => change('release', call),
  },
  attach: {
    usage: 'attach [ID]',
    help: 'Waits for a job if need be, shows its output and puts its result into this notebook, once. Without ID: the last one of this notebook that is not home.',
    argument: 'job',
    async run({ words, line, cell, session, agent }) {
      const connection = await agent();
      const job =
        words.length === 0
          ? await lastAway(connection, session)
          : await connection.job(argumentOf(words, line, 'attach ID').text);
      if (job.spec.allocation !== undefined)
        throw new UsageError(`Job ${job.id} is an allocation: it keeps nodes, and has no result.`);
      return answering(connection, cell, () => bringHome(job.id, cell, session));
    },
  },
  use: {
    usage: 'use NAME',
    help: 'Makes NAME the cluster of %%cluster cells that name none.',
    argument: 'cluster',
    run({ words, line, session }) {
      session.defaultCluster = clusterWord(words, line, session, 'use NAME');
      return Promise.resolve(succeed(showText(`%%cluster cells go to ${session.defaultCluster} now.`)));
    },
  },
  capture: {
    usage: 'capture [NAMES]',
    help: 'Shows what names of the notebook would take along to a cluster: kinds, sizes, packages, and what cannot travel. A number means the names of that cell; nothing, all names.',
    run: ({ words, line, cell, session }) => runCapture(words, line, cell, session),
  },
  start: {
    usage: 'start [NAME] --cores N --time TIME [OPTIONS]',
    help: 'Keeps nodes of a cluster for cells to come, which then start at once. They are given back after --keep (10m) without a cell, or with `stop`.',
    argument: 'options',
    run: ({ words, line, cell, session, agent }) => startAllocation({ ...line, words }, cell, session, agent),
  },
  stop: {
    usage: 'stop [NAME]',
    help: 'Gives the nodes of a cluster back that `start` or --keep has kept.',
    argument: 'cluster',
    run: ({ words, line, session, agent }) => stopAllocations(words, line, session, agent),
  },
  config: {
    usage: 'config [explain NAME]',
    help: 'Lists the clusters there are; explain: each value of one, and the file and line it comes from.',
    argument: 'config',
    run({ words, line, session }) {
      const [verb, ...rest] = words;
      if (verb === undefined) return Promise.resolve(succeed(showConfig(session.directory)));
      if (verb.text !== 'explain')
        throw pointAt(line.text, verb, `%cluster config [explain NAME]: not ${JSON.stringify(verb.text)}.`);
      const name = argumentOf(rest, line, 'config explain NAME').text;
      return Promise.resolve(succeed(showExplained(name, session.directory)));
    },
  },
  fs: {
    usage: 'fs VERB …',
    help: `Files of clusters: ${Object.keys(FS_VERBS).join(', ')}. %cluster fs tells how.`,
    async run({ words, cell, session, agent }) {
      return await runFsMagic(
        words.map(({ text }) => text),
        cell,
        session,
        await agent(),
      );
    },
  },
  env: {
    usage: 'env [diff NAME | lock]',
    help: 'Shows what the notebook runs with: Node, the machine, packages. diff: what a cluster lacks of it; lock: writes it down beside the notebook.',
    argument: 'env',
    run: async ({ words, line, session, agent }) => succeed(await runEnv({ words, line, session, agent })),
  },
  doctor: {
    usage: 'doctor [NAME]',
    help: 'Looks whether everything is in place for cluster cells, on this machine or step by step on a cluster, and says what to do about what is not.',
    argument: 'cluster',
    run({ words, line, cell, session, agent }) {
      const word = words.length === 0 ? undefined : clusterWord(words, line, session, 'doctor NAME');
      return runDoctor({ cell, session, agent }, word ?? 'local');
    },
  },
  help: {
    usage: 'help',
    help: 'Shows this text.',
    run: () => Promise.resolve(succeed(showText(commandsHelp()))),
  },
};

export async function runCommand(cell: Cell, line: MagicLine, session: ClusterSession): Promise<CellOutcome> {
  const [verb, ...words] = line.words;
  if (!verb) return succeed(showText(commandsHelp()));
  const command = COMMANDS[verb.text];
  if (!command)
    throw pointAt(
      line.text,
      verb,
      `%cluster has no command ${JSON.stringify(verb.text)}.${didYouMean(verb.text, Object.keys(COMMANDS))} %cluster help lists them all.`,
    );
  return command.run({ words, line, cell, session, agent: () => session.agent() });
}

/** Nothing else may stand there. */
function flagOf(words: readonly Word[], line: MagicLine, flag: string, usage: string): boolean {
  const other = words.find(({ text }) => text !== flag);
  if (other !== undefined) throw pointAt(line.text, other, `%cluster ${usage}: not ${JSON.stringify(other.text)}.`);
  return words.length > 0;
}

function isOfNotebook({ spec }: JobRecord, { notebook, directory }: ClusterSession): boolean {
  return spec.origin.directory === directory && spec.origin.notebook === notebook;
}

function argumentOf(words: readonly Word[], line: MagicLine, usage: string): Word {
  const [word, extra] = words;
  if (!word)
    throw pointAt(
      line.text,
      { start: line.text.length, end: line.text.length + 1 },
      `%cluster ${usage}: something is missing.`,
    );
  if (extra) throw pointAt(line.text, extra, `%cluster ${usage}: one too many.`);
  return word;
}

/** Throws UsageError when all are home. */
async function lastAway(agent: AgentConnection, session: ClusterSession): Promise<JobRecord> {
  const [last] = (await agent.jobs())
    .filter(
      (job) =>
        job.spec.allocation === undefined &&
        job.deliveredAt === undefined &&
        job.submittedAt !== undefined &&
        isOfNotebook(job, session),
    )
    .sort((a, b) => b.createdAt - a.createdAt);
  if (last !== undefined) return last;
  throw new UsageError(
    'No job of this notebook waits to be brought home. %cluster jobs --all lists those of all notebooks.',
  );
}

async function change(change: 'hold' | 'release', { words, line, agent }: Call): Promise<CellOutcome> {
  const connection = await agent();
  const { id } = await connection.job(argumentOf(words, line, `${change} ID`).text);
  const job = await connection.change(id, change);
  return succeed(showText(`Job ${job.id}: ${change === 'hold' ? 'held' : 'released'}.`));
}

function clusterWord(words: readonly Word[], line: MagicLine, session: ClusterSession, usage: string): string {
  const word = argumentOf(words, line, usage);
  if (session.clusters.includes(word.text)) return word.text;
  throw pointAt(
    line.text,
    word,
    `There is no cluster ${JSON.stringify(word.text)}.${didYouMean(word.text, session.clusters)} Known: ${session.clusters.join(', ')}.`,
  );
}

export function commandsHelp(): string {
  return [
    ...twoColumns(Object.values(COMMANDS).map(({ usage, help }) => [`  %cluster ${usage}`, help])),
    '',
    'To run a cell on a cluster: %%cluster --help',
  ].join('\n');
}
