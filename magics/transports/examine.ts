// A look at the way to a host, step by step: is it reached, what does its login shell cost and print, is there a Node, does its clock agree?
import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { messageOf } from '../protocol/errors';
import { fine, trouble, type Finding } from '../protocol/finding';
import { AdmissionError, stepOf, type AdmissionStep } from './admission-error';
import type { Host } from './host';
import { shell, type HostSettings } from './install';
import { OLDEST_NODE } from './node-program';
import { commandLine } from './shell';

/** A login shell that takes longer is felt in every first cell. */
const SLOW_LOGIN_MS = 3000;
const MOST_SKEW_SECONDS = 5;

/** Stops at the first step that the others need. */
export async function* examineHost(host: Host, settings: HostSettings, signal: AbortSignal): AsyncGenerator<Finding> {
  const started = performance.now();
  let first: Said;
  try {
    first = await say(host, 'true', signal);
  } catch (error) {
    yield* examineRefusal(host.name, messageOf(error), error instanceof AdmissionError ? error.step : 'reach');
    return;
  }
  if (first.problem !== undefined) {
    yield* examineRefusal(host.name, `${host.name}: ${first.problem}`, stepOf(first.problem));
    return;
  }
  yield fine('reach', `${host.name} answers`);
  yield fine('host key', 'is known');
  yield fine('login', `let us in after ${seconds(performance.now() - started)}`);
  const begin = `begin-${randomBytes(6).toString('hex')}`;
  const questions = [
    ...settings.setup,
    `printf '%s\\n' ${begin}`,
    `date +%s`,
    `uname -sm`,
    `${commandLine([settings.node ?? 'node'])} --version 2>/dev/null || printf 'none\\n'`,
    `getconf GNU_LIBC_VERSION 2>/dev/null || printf 'no glibc\\n'`,
  ];
  const { output, problem, ms } = await say(host, shell(questions), signal);
  const at = output.indexOf(begin);
  if (problem !== undefined || at < 0) {
    yield trouble(
      'login shell',
      `cannot run our lines${problem === undefined ? '' : `: ${problem}`}. Do the lines of setup: work there?`,
    );
    return;
  }
  yield examineShell(output.slice(0, at), ms);
  const [, epoch = '', system = '', node = '', libc = ''] = output.slice(at).split('\n');
  // The answer was made somewhere between question and answer.
  const skew = Math.max(0, Math.abs(Number(epoch) - (Date.now() - ms / 2) / 1000) - ms / 2000 - 1);
  yield skew > MOST_SKEW_SECONDS
    ? trouble(
        'clock',
        `is ${Math.round(skew)} s off ours: times of jobs are shown wrongly. Tell the administrator of ${host.name}, or set this machine's clock.`,
      )
    : fine('clock', 'agrees with ours');
  yield examineNode(node, `${system}, ${libc}`, settings);
}

/** What came before the step that failed was done. */
function* examineRefusal(host: string, says: string, step: AdmissionStep): Generator<Finding> {
  if (step !== 'reach') yield fine('reach', `${host} answers`);
  if (step === 'login') yield fine('host key', 'is known');
  yield trouble(step, says);
}

function examineShell(noise: string, ms: number): Finding {
  const lines = noise.split('\n').filter((line) => line.trim() !== '').length;
  const says = `takes ${seconds(ms)}${lines === 0 ? '' : ` and prints ${lines} line${lines === 1 ? '' : 's'}, which we skip`}`;
  return ms > SLOW_LOGIN_MS
    ? trouble('login shell', `${says}. That is paid once per connection; look at ~/.bashrc and ~/.profile there.`)
    : fine('login shell', says);
}

function examineNode(version: string, where: string, { node }: HostSettings): Finding {
  const major = Number(/^v(\d+)\./.exec(version)?.[1]);
  if (major >= OLDEST_NODE) return fine('Node.js there', `${version} (${where})`);
  if (node === undefined) {
    const found = version === 'none' ? 'none' : `${version}, which is too old`;
    return fine('Node.js there', `${found} (${where}): one of ours is used there`);
  }
  const found = version === 'none' ? `there is no ${node}` : `${node} is ${version}`;
  return trouble(
    'Node.js there',
    `${found} (${where}). Set node: of this cluster to an absolute path of Node.js ${OLDEST_NODE} or newer, or leave it away: one is brought then.`,
  );
}

interface Said {
  readonly output: string;
  readonly ms: number;
  /** Why it did not run to its end. */
  readonly problem?: string;
}

async function say(host: Host, command: string, signal: AbortSignal): Promise<Said> {
  const started = performance.now();
  const channel = await host.exec(command, signal);
  channel.stream.end();
  const [output, end] = await Promise.all([text(channel.stream), channel.ended]);
  const ms = performance.now() - started;
  if (end.kind === 'exit' && end.code === 0) return { output, ms };
  const how =
    end.kind === 'lost' ? end.why : end.kind === 'signal' ? `ended by ${end.signal}` : `exit code ${end.code}`;
  return { output, ms, problem: [how, channel.complaints()].filter((part) => part !== '').join('. ') };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
