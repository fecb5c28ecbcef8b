// Recorded answers of real systems (tests/recorded), as a dialect's parser gets them, and observations in one line each, for tables.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SchedulerError } from '../../magics/protocol/errors';
import { toNativeId } from '../../magics/schedulers/answer';
import type { BatchDialect, CommandResult, Observation, Observations } from '../../magics/schedulers/dialect';
import { slurm } from '../../magics/schedulers/slurm';

const ROOT = join(__dirname, '..', 'recorded');

export interface Recording extends CommandResult {
  /** As it was typed. */
  readonly command: string;
}

export function recordingsOf(system: string, pattern: RegExp): readonly string[] {
  return readdirSync(join(ROOT, system))
    .filter((name) => pattern.test(name))
    .map((name) => name.replace(/\.txt$/, ''));
}

/** Line 1 is `$ ` and the command, then its stdout; `--- stderr` and that; last `--- exit N`, 124 for one that `timeout` ended. */
export function recorded(system: string, name: string): Recording {
  const text = readFileSync(join(ROOT, system, `${name}.txt`), 'utf8');
  const [, command, body, exit] = /^\$ (.*)\n([\s\S]*?)--- exit (\d+)\s*$/.exec(text) ?? [];
  if (command === undefined || body === undefined || exit === undefined)
    throw new Error(`${system}/${name}.txt is no recording.`);
  const at = /^--- stderr\n/m.exec(body);
  const code = Number(exit);
  return {
    command,
    stdout: at === null ? body : body.slice(0, at.index),
    stderr: at === null ? '' : body.slice(at.index + at[0].length),
    exitCode: code === 124 && command.includes('timeout ') ? null : code,
  };
}

/** `queued: It is held by its user.`, `running on n1`, `ended`, `ended: exit 3`, `cancelled by administrator (0)`; then ` …` where it is provisional, ` stuck`. */
export function brief(found: Observation): string {
  const marks = `${found.stuck === true ? ' stuck' : ''}${found.maybeCancelled === true ? ' or cancelled' : ''}${found.provisional === true ? ' …' : ''}`;
  const { sighting } = found;
  switch (sighting.state) {
    case 'queued':
      return `queued${sighting.reason === undefined ? '' : `: ${sighting.reason}`}${marks}`;
    case 'running':
      return `running${sighting.node === undefined ? '' : ` on ${sighting.node}`}${marks}`;
    case 'unknown':
      return `unknown ${sighting.raw}${marks}`;
    case 'cancelled':
      return `cancelled by ${sighting.by}${found.cancelledBy === undefined ? '' : ` (${found.cancelledBy})`}${marks}`;
    case 'ended': {
      const how = sighting.explanation;
      if (how === undefined) return `ended${marks}`;
      const detail = how.signal ?? how.exitCode;
      return `ended: ${how.cause}${detail === undefined ? '' : ` ${detail}`}${marks}`;
    }
  }
}

export function briefs(found: Observations): Record<string, string> {
  return Object.fromEntries([...found].map(([id, observation]) => [id, brief(observation)]));
}

/** What a parser makes of an answer: the observations, or that it is none. */
export function answerOf(parse: () => Observations): Record<string, string> | string {
  try {
    return briefs(parse());
  } catch (error) {
    if (!(error instanceof SchedulerError)) throw error;
    return error.transient ? 'no answer, ask again' : 'no answer';
  }
}

export function submissionOf(dialect: BatchDialect, result: CommandResult): string {
  const found = dialect.parseSubmit(result);
  return found.outcome === 'accepted' ? `accepted ${found.id}` : found.outcome;
}

export function cancellationOf(dialect: BatchDialect, result: CommandResult): string {
  try {
    dialect.confirmChange('cancel', result);
    return 'fine';
  } catch (error) {
    if (!(error instanceof SchedulerError)) throw error;
    return error.transient ? 'not heard' : 'refused';
  }
}

/** One test per recording; a recording without an expectation, or an expectation without a recording, fails. */
export function describeRecordings<Expected>(
  system: string,
  pattern: RegExp,
  expected: Readonly<Record<string, Expected>>,
  read: (recording: Recording) => Expected,
): void {
  describe(`${system}, ${pattern.source}`, () => {
    test('every recording is expected', () => {
      expect([...recordingsOf(system, pattern)].sort()).toEqual(Object.keys(expected).sort());
    });
    test.each(Object.entries(expected))('%s', (name, wanted) => {
      expect(read(recorded(system, name))).toEqual(wanted);
    });
  });
}

/** The question for the state of jobs of Slurm, put to what `scontrol` was recorded to answer. */
export function askScontrol(system: string, name: string, ids: readonly string[]): Observations {
  const { stdout, stderr, exitCode } = recorded(system, name);
  const directory = mkdtempSync(join(tmpdir(), 'cellburst-scontrol-'));
  try {
    for (const [file, text] of Object.entries({ stdout, stderr })) writeFileSync(join(directory, file), text);
    const answers = `#!/bin/sh\ncat '${directory}/stdout'; cat '${directory}/stderr' >&2; exit ${exitCode ?? 1}\n`;
    writeFileSync(join(directory, 'scontrol'), answers, { mode: 0o755 });
    const [program, ...args] = slurm.statusCommand(ids.map(toNativeId));
    const env = { ...process.env, PATH: `${directory}:${process.env['PATH'] ?? ''}` };
    const said = spawnSync(program, args, { env, encoding: 'utf8' });
    return slurm.parseStatus({ stdout: said.stdout, stderr: said.stderr, exitCode: said.status });
  } finally {
    rmSync(directory, { recursive: true });
  }
}
