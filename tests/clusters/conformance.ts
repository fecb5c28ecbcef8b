// What every dialect has to say truly of a real scheduler. The sentences are the same for all; how a system is told to hold or to kill differs, and comes along.
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { NativeId } from '../../magics/protocol/job';
import type { BatchDialect, BatchJob, BatchResources, Observation } from '../../magics/schedulers/dialect';
import { nativeName } from '../../magics/schedulers/request';
import { batchScript, type Argv } from '../../magics/transports/shell';
import { brief } from '../schedulers/recorded';
import type { OpenedSystem, RunningSystem } from './open';

export interface Conformance {
  readonly dialect: BatchDialect;
  readonly system: OpenedSystem;
  readonly site?: BatchJob['site'];
  /** More than the system has, accepted and never started, or kept from it by a hold. */
  readonly heldBy: readonly string[];
  /** Reads memory until it is ended. */
  readonly outOfMemory: { readonly resources: Partial<BatchResources>; readonly seen: RegExp };
  /** What this system can be asked for and has. */
  readonly options: Readonly<Record<string, Partial<BatchResources>>>;
  readonly timeLimit: {
    readonly resources: Partial<BatchResources>;
    readonly seen: RegExp;
    /** Run by root: brings the end of a running job near, where the scheduler counts in minutes. */
    readonly hasten?: (id: NativeId) => Argv;
  };
  /** What the truth about a job that was cancelled while it ran looks like; by root only where the test may act as root. */
  readonly cancelledRunning: RegExp;
  readonly cancelledByRoot?: RegExp;
}

const PATIENCE_MS = 75_000;
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export function describeDialect(name: string, given: Conformance): void {
  const { system } = given;
  if (!system.ok) {
    describe.skip(`${name} (not tested: ${system.reason})`, () => {
      test.each(SENTENCES)('%s', () => undefined);
    });
    return;
  }
  const bench = new Bench(given.dialect, system, given.site ?? {});
  describe(name, () => {
    afterAll(() => {
      system.stop();
    });
    for (const [sentence, check] of CHECKS) {
      if (check === cancelledByRoot && given.cancelledByRoot === undefined)
        test.skip(`${sentence} (only root can)`, () => undefined);
      else test(sentence, () => check(bench, given), 120_000);
    }
  });
}

type Check = (bench: Bench, given: Conformance) => Promise<void>;

const CHECKS: readonly (readonly [string, Check])[] = [
  ['a job runs in its directory, with its environment, and its exit code 0 is its end', runsToItsEnd],
  ['an exit code comes back as it was', keepsExitCodes],
  ['a job that a signal ended says which', namesSignals],
  ['a job that used too much memory says so', tellsOutOfMemory],
  ['a job over its time limit says so', tellsTimeLimit],
  ['a running job is seen running, on its node, since its start', seesRunning],
  ['a held job is queued with a reason, starts when released, and is never ended meanwhile', holdsAndReleases],
  ['a job cancelled while it runs ends so, and cancelling it again is no error', cancelsRunning],
  ['a job cancelled while it waits never runs', cancelsWaiting],
  ['a job that an administrator cancelled is not called ended by its user', cancelledByRoot],
  ['what can be asked for is granted, each by itself and all together', grantsOptions],
  ['a name of quotes, blanks, line ends and letters of other alphabets is accepted', takesHostileNames],
  ['values of the environment arrive as they are, whatever they hold', takesHostileValues],
  ['a directory with blanks and quotes works', takesHostileDirectories],
  ['a job is found by its token, queued, running and ended, and a foreign token finds none', findsByToken],
  ['an id that never was is absent, in the queue and in the history, and disturbs no other', leavesOutUnknown],
  ['a refused submission is refused with the words of the scheduler', refusesInWords],
  ['a job whose directory is gone on the node says so by its exit code or its start', missesDirectory],
  ['fifty jobs are asked about in one question', asksOnce],
];

/** For what is skipped: each of them is named. */
const SENTENCES = CHECKS.map(([sentence]) => sentence);

interface Submitted {
  readonly id: NativeId;
  readonly job: BatchJob;
}

/** Sends jobs to the system and asks about them, as an agent would, without keeping anything. */
class Bench {
  readonly #dialect: BatchDialect;
  readonly #system: RunningSystem;
  readonly #site: BatchJob['site'];
  #count = 0;

  constructor(dialect: BatchDialect, system: RunningSystem, site: BatchJob['site']) {
    this.#dialect = dialect;
    this.#system = system;
    this.#site = site;
  }

  get dialect(): BatchDialect {
    return this.#dialect;
  }

  makeJob(
    command: Argv,
    more: Partial<Omit<BatchJob, 'resources'>> & { readonly resources?: Partial<BatchResources> } = {},
  ): BatchJob {
    this.#count += 1;
    return {
      token: `cb${randomBytes(6).toString('hex')}`,
      name: 'cell',
      directory: more.directory ?? this.#system.makeDirectory(`j${this.#count}`),
      command,
      environment: {},
      native: [],
      site: this.#site,
      ...more,
      resources: { cores: 1, memoryMiB: 200, ...more.resources },
    };
  }

  /** The script lies beside the job's directory, since that may be missing. */
  async trySubmit(job: BatchJob) {
    const script = `${this.#system.makeDirectory('scripts')}/${job.token}.sh`;
    const text = batchScript({
      directives: this.#dialect.directives(job),
      title: 'a test',
      environment: job.environment,
      directory: job.directory,
      command: job.command,
    });
    writeFileSync(script, text, { mode: 0o755 });
    return this.#dialect.parseSubmit(await this.#system.run(this.#dialect.submitCommand(job, script)));
  }

  async submit(job: BatchJob): Promise<Submitted> {
    const answer = await this.trySubmit(job);
    if (answer.outcome !== 'accepted')
      throw new Error(`The job was not accepted but ${answer.outcome}: ${answer.words}`);
    return { id: answer.id, job };
  }

  async shell(text: string, more: Parameters<Bench['makeJob']>[1] = {}): Promise<Submitted> {
    return await this.submit(this.makeJob(['sh', '-c', text], more));
  }

  async status(ids: readonly NativeId[]) {
    return this.#dialect.parseStatus(await this.#system.run(this.#dialect.statusCommand(ids)));
  }

  async history(ids: readonly NativeId[]) {
    return this.#dialect.parseHistory(await this.#system.run(this.#dialect.historyCommand(ids)));
  }

  /** As the agent asks: the queue; the history for what the queue lacks or has not told yet. */
  async look(id: NativeId): Promise<Observation | undefined> {
    const seen = (await this.status([id])).get(id);
    if (seen !== undefined && seen.provisional !== true) return seen;
    return (await this.history([id])).get(id) ?? seen;
  }

  /** Asks until what it sees matches. A failure tells all that was seen on the way. */
  async awaits(id: NativeId, wanted: RegExp): Promise<Observation> {
    const until = Date.now() + PATIENCE_MS;
    const trail: string[] = [];
    for (;;) {
      const found = await this.look(id);
      const seen = found === undefined ? 'absent' : brief(found);
      if (seen !== trail.at(-1)) trail.push(seen);
      if (found !== undefined && found.provisional !== true && wanted.test(seen)) return found;
      if (Date.now() > until) throw new Error(`Job ${id} was to become ${wanted}; it was: ${trail.join(' → ')}`);
      await pause(150);
    }
  }

  async change(change: 'cancel' | 'hold' | 'release', ids: readonly NativeId[], as: 'user' | 'root' = 'user') {
    this.#dialect.confirmChange(change, await this.#system.run(this.#dialect.changeCommand(change, ids), as));
  }

  async asRoot(argv: Argv) {
    const result = await this.#system.run(argv, 'root');
    if (result.exitCode !== 0) throw new Error(`${argv.join(' ')}: ${result.stderr}`);
  }

  async find(name: string): Promise<readonly NativeId[]> {
    const found = [];
    for (const search of this.#dialect.searches(name))
      found.push(...search.parse(await this.#system.run(search.command)));
    return [...new Set(found)];
  }

  log({ job, id }: Submitted): string {
    return readFileSync(this.#dialect.logPath(job, id), 'utf8');
  }

  file({ job }: Submitted, name: string): string {
    return readFileSync(`${job.directory}/${name}`, 'utf8');
  }

  makeDirectory(name: string): string {
    return this.#system.makeDirectory(name);
  }
}

async function runsToItsEnd(bench: Bench): Promise<void> {
  const sent = await bench.shell('pwd; echo "$GREETING"; echo to stderr >&2', {
    environment: { GREETING: 'good day' },
  });
  const found = await bench.awaits(sent.id, /^ended/);
  expect(brief(found)).toBe('ended');
  expect(bench.log(sent).trim().split('\n').sort()).toEqual([sent.job.directory, 'good day', 'to stderr'].sort());
  expect(Math.abs((found.endedAt ?? 0) - Date.now())).toBeLessThan(60_000);
}

async function keepsExitCodes(bench: Bench): Promise<void> {
  const sent = await Promise.all([3, 77].map(async (code) => ({ code, ...(await bench.shell(`exit ${code}`)) })));
  for (const { id, code } of sent) expect(brief(await bench.awaits(id, /^ended/))).toBe(`ended: exit ${code}`);
}

async function namesSignals(bench: Bench): Promise<void> {
  const [killed, crashed] = await Promise.all([bench.shell('kill -9 $$'), bench.shell('kill -11 $$')]);
  expect(brief(await bench.awaits(killed.id, /^ended/))).toMatch(/^ended: signal SIGKILL/);
  expect(brief(await bench.awaits(crashed.id, /^ended/))).toBe('ended: signal SIGSEGV');
}

async function tellsOutOfMemory(bench: Bench, given: Conformance): Promise<void> {
  // Several processes, each well below the limit (Grid Engine also limits the address space of each) and together above it.
  const hungry =
    'x=0123456789abcdef; while [ ${#x} -lt 4000000 ]; do x=$x$x; done; ' +
    'for i in 1 2 3 4 5 6 7 8; do (y=$x$x$x$x$x; sleep 10; : $y) & done; wait';
  const sent = await bench.shell(hungry, { resources: given.outOfMemory.resources });
  const found = await bench.awaits(sent.id, /^ended/);
  const said = existsSync(bench.dialect.logPath(sent.job, sent.id))
    ? bench.dialect.explainLog(bench.log(sent))
    : undefined;
  expect(said === undefined ? brief(found) : `ended: ${said.cause}`).toMatch(given.outOfMemory.seen);
}

async function tellsTimeLimit(bench: Bench, given: Conformance): Promise<void> {
  const sent = await bench.shell('sleep 120', { resources: given.timeLimit.resources });
  await bench.awaits(sent.id, /^running/);
  if (given.timeLimit.hasten !== undefined) await bench.asRoot(given.timeLimit.hasten(sent.id));
  expect(brief(await bench.awaits(sent.id, /^ended/))).toMatch(given.timeLimit.seen);
}

async function seesRunning(bench: Bench): Promise<void> {
  const before = Date.now() - 2000;
  const sent = await bench.shell('sleep 30');
  let { sighting } = await bench.awaits(sent.id, /^running/);
  // PBS says that a job runs some milliseconds before it says since when.
  for (let look = 0; look < 20 && sighting.state === 'running' && sighting.since === 0; look++) {
    await pause(150);
    ({ sighting } = await bench.awaits(sent.id, /^running/));
  }
  if (sighting.state !== 'running') throw new Error('It does not run.');
  expect(sighting.node).toMatch(/^\S+$/);
  expect(sighting.since).toBeGreaterThan(before);
  expect(sighting.since).toBeLessThan(Date.now() + 2000);
  await bench.change('cancel', [sent.id]);
}

async function holdsAndReleases(bench: Bench, given: Conformance): Promise<void> {
  const sent = await bench.shell('exit 0', { native: given.heldBy });
  expect(brief(await bench.awaits(sent.id, /^queued: It is held/))).toMatch(/^queued/);
  await pause(1500);
  expect((await bench.look(sent.id))?.sighting.state).toBe('queued');
  await bench.change('release', [sent.id]);
  expect(brief(await bench.awaits(sent.id, /^ended/))).toBe('ended');
  await expect(bench.change('hold', [sent.id])).rejects.toThrow(/did not hold the job: ./);
}

async function cancelsRunning(bench: Bench, given: Conformance): Promise<void> {
  const sent = await bench.shell('sleep 60');
  await bench.awaits(sent.id, /^running/);
  await bench.change('cancel', [sent.id]);
  expect(brief(await bench.awaits(sent.id, given.cancelledRunning))).toMatch(given.cancelledRunning);
  await bench.change('cancel', [sent.id]);
}

async function cancelsWaiting(bench: Bench, given: Conformance): Promise<void> {
  const sent = await bench.shell('echo ran', { native: given.heldBy });
  await bench.awaits(sent.id, /^queued/);
  await bench.change('cancel', [sent.id]);
  const until = Date.now() + 5000;
  let seen = await bench.look(sent.id);
  while (seen?.sighting.state === 'queued' && Date.now() < until) {
    await pause(150);
    seen = await bench.look(sent.id);
  }
  // Grid Engine forgets such a job at once; absence is what it then is.
  expect(seen === undefined ? 'absent' : brief(seen)).toMatch(/^(absent$|cancelled)/);
  expect(existsSync(bench.dialect.logPath(sent.job, sent.id))).toBe(false);
}

async function cancelledByRoot(bench: Bench, given: Conformance): Promise<void> {
  const wanted = given.cancelledByRoot ?? /^cancelled by administrator/;
  const sent = await bench.shell('sleep 60');
  await bench.awaits(sent.id, /^running/);
  await bench.change('cancel', [sent.id], 'root');
  expect(brief(await bench.awaits(sent.id, wanted))).toMatch(wanted);
}

async function grantsOptions(bench: Bench, given: Conformance): Promise<void> {
  const asked = {
    ...given.options,
    all: Object.assign({}, ...Object.values(given.options)) as Partial<BatchResources>,
  };
  const sent = await Promise.all(
    Object.entries(asked).map(async ([name, resources]) => ({ name, ...(await bench.shell('true', { resources })) })),
  );
  for (const { name, id } of sent)
    expect([name, brief(await bench.awaits(id, /^(ended|cancelled)/))]).toEqual([name, 'ended']);
}

const HOSTILE = 'it\'s "my" $HOME `job`;\n#x, žluť ☃ & <b> | -N 5';

async function takesHostileNames(bench: Bench): Promise<void> {
  const names = [HOSTILE, '', '7 sins', '--wrap=x', '..', 'x'.repeat(300)];
  const sent = await Promise.all(names.map((name) => bench.submit(bench.makeJob(['true'], { name }))));
  for (const { id, job } of sent) {
    expect(await bench.find(nativeName(job))).toEqual([id]);
    expect(brief(await bench.awaits(id, /^ended/))).toBe('ended');
  }
}

async function takesHostileValues(bench: Bench): Promise<void> {
  const value = `${HOSTILE}\r\nsecond \\ line\t%j\n#$ -nosuch\n#SBATCH --nosuch\n#PBS -Z\n`;
  const sent = await bench.submit(
    bench.makeJob(['sh', '-c', 'printf %s "$VALUE$1" >got', 'sh', value], { environment: { VALUE: value } }),
  );
  await bench.awaits(sent.id, /^ended$/);
  expect(bench.file(sent, 'got')).toBe(value + value);
}

async function takesHostileDirectories(bench: Bench): Promise<void> {
  const directory = bench.makeDirectory('it\'s a "store" %j');
  const sent = await bench.submit(bench.makeJob(['pwd'], { directory }));
  await bench.awaits(sent.id, /^ended$/);
  expect(bench.log(sent)).toBe(`${directory}\n`);
}

async function findsByToken(bench: Bench, given: Conformance): Promise<void> {
  const held = await bench.shell('true', { native: given.heldBy });
  const running = await bench.shell('sleep 30');
  const ended = await bench.shell('exit 4');
  await bench.awaits(running.id, /^running/);
  await bench.awaits(ended.id, /^ended/);
  for (const { id, job } of [held, running, ended]) expect(await bench.find(nativeName(job))).toEqual([id]);
  expect(await bench.find(nativeName({ name: 'cell', token: 'cb0000000000' }))).toEqual([]);
  await bench.change('cancel', [held.id, running.id]);
}

async function leavesOutUnknown(bench: Bench): Promise<void> {
  const unknown = '99999999' as NativeId;
  const sent = await bench.shell('sleep 20');
  expect((await bench.status([unknown])).has(unknown)).toBe(false);
  expect((await bench.history([unknown])).has(unknown)).toBe(false);
  expect([...(await bench.status([unknown, sent.id])).keys()]).toContain(sent.id);
  await bench.change('cancel', [unknown, sent.id]);
}

async function refusesInWords(bench: Bench): Promise<void> {
  const answer = await bench.trySubmit(bench.makeJob(['true'], { resources: { queue: 'nosuchqueue' } }));
  if (answer.outcome !== 'refused') throw new Error(`It was to be refused, not ${answer.outcome}.`);
  expect(answer.words).toMatch(/partition|queue/i);
}

async function missesDirectory(bench: Bench): Promise<void> {
  const sent = await bench.submit(bench.makeJob(['true'], { directory: '/nonexistent/cellburst' }));
  const found = await bench.awaits(sent.id, /^ended: start-failed|^ended: exit 72|stuck/);
  if (found.stuck === true) await bench.change('cancel', [sent.id]);
}

async function asksOnce(bench: Bench): Promise<void> {
  const script = bench.makeJob(['sh', '-c', 'exit $CODE']);
  const sent: Submitted[] = [];
  for (let i = 0; i < 50; i += 5) {
    const batch = Array.from({ length: 5 }, (_, k) => ({
      ...bench.makeJob(script.command, { environment: { CODE: `${(i + k) % 3}` } }),
      resources: { cores: 1, memoryMiB: 50 },
    }));
    sent.push(...(await Promise.all(batch.map((job) => bench.submit(job)))));
  }
  expect(new Set(sent.map(({ id }) => id)).size).toBe(50);
  const ids = sent.map(({ id }) => id);
  expect((await bench.status(ids)).size + (await bench.history(ids)).size).toBeGreaterThan(1);
  const until = Date.now() + PATIENCE_MS;
  let wrong: string[] = ['not asked yet'];
  while (wrong.length > 0 && Date.now() < until) {
    await pause(300);
    wrong = await notYet(bench, sent);
  }
  expect(wrong).toEqual([]);
}

/** Two questions, whatever the number of jobs. */
async function notYet(bench: Bench, sent: readonly Submitted[]): Promise<string[]> {
  const ids = sent.map(({ id }) => id);
  const [queue, history] = [await bench.status(ids), await bench.history(ids)];
  return sent.flatMap(({ id, job }) => {
    const found = queue.get(id) ?? history.get(id);
    const code = job.environment['CODE'];
    const wanted = code === '0' ? 'ended' : `ended: exit ${code}`;
    const seen = found === undefined ? 'absent' : brief(found);
    return seen === wanted ? [] : [`${id}: ${seen}, not ${wanted}`];
  });
}
