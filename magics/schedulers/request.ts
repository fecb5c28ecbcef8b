// What we ask of a batch system, in words that it takes: names, single words, numbers; and the refusal of all else before anything is sent.
import { UsageError } from '../protocol/errors';
import type { JobSpec } from '../protocol/job';
import type { RunOrders } from '../protocol/run';
import type { BatchJob } from './dialect';

const TOKEN = /^[a-z0-9]{8,32}$/;
/** Job names of Torque and of old PBS end here or before; ours are found by their end, so what the user gave is cut. */
const SHOWN_NAME = 40;

/**
 * The name under which the scheduler knows the job: what the user gave, in letters that all of them take, and our token. Grid Engine and PBS allow no
 * blanks and no digit first (qsub(1) of both), and sacct splits names at commas.
 */
export function nativeName(job: { readonly name: string; readonly token: string }): string {
  if (!TOKEN.test(job.token)) throw new TypeError(`${JSON.stringify(job.token)} is no token: 8 to 32 of a-z and 0-9.`);
  const clean = job.name
    .replaceAll(/[^A-Za-z0-9_.-]+/g, '-')
    .slice(0, SHOWN_NAME)
    .replaceAll(/^[-.]+|[-.]+$/g, '');
  return `${/^[A-Za-z]/.test(clean) ? clean : `cell${clean === '' ? '' : `-${clean}`}`}.${job.token}`;
}

const WORD = /^[A-Za-z0-9_][A-Za-z0-9_.@+:/-]*$/;

/** An option's value as one plain word of a directive. Throws UsageError for anything else. */
export function plainWord(option: string, given: string, allowed: RegExp = WORD): string {
  if (allowed.test(given)) return given;
  throw new UsageError(
    `${option} cannot be ${JSON.stringify(given)}: a single word without blanks and quotes is needed.`,
  );
}

export function wholeNumber(option: string, given: number): number {
  if (Number.isSafeInteger(given) && given > 0) return given;
  throw new UsageError(`${option} cannot be ${given}: a whole number from 1 on is needed.`);
}

/** The first native argument has to be an option: a bare word would be taken for the script. */
export function nativeArguments(job: BatchJob, ours: RegExp): readonly string[] {
  const [first] = job.native;
  if (first !== undefined && !/^-[^-]|^--[^-]/.test(first))
    throw new UsageError(
      `--native has to begin with an option of the submit command, not with ${JSON.stringify(first)}.`,
    );
  const taken = job.native.find((argument) => ours.test(argument) || argument === '--');
  if (taken !== undefined)
    throw new UsageError(`--native cannot hold ${JSON.stringify(taken)}: Cellburst sets it, to find its job again.`);
  return job.native;
}

/** Refuses an option that a system has no word for. */
export function refuse(title: string, option: string, advice: string): never {
  throw new UsageError(`${title} has no ${option}. ${advice}`);
}

export function hoursMinutesSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  return [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
    .map((n) => String(n).padStart(2, '0'))
    .join(':');
}

/** What a runner has to know of the image that its job runs in. */
export function ordersForContainer({ container, origin, resources }: JobSpec): Pick<RunOrders, 'container'> {
  if (container === undefined) return {};
  const { gpus = 0 } = resources;
  return { container: { ...container, folder: origin.directory, ...(gpus === 0 ? {} : { gpus }) } };
}

/** What a runner has to know of the files of its job. */
export function ordersForFiles({ files }: JobSpec): Pick<RunOrders, 'files'> {
  if (files === undefined) return {};
  const { root, folder, outputs, links } = files;
  return { files: { root, folder, outputs, links } };
}
