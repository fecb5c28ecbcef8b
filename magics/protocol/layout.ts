// The files of one job's directory. A job directory describes itself: whoever finds it knows what was asked, what ran and how it ended.

import { join } from 'node:path';

/** The bundle: what the job needs (see container.ts). Written whole by the client before submission. */
export const BUNDLE_FILE = 'bundle.bin';
/** The envelope: what came back (see envelope.ts). Written beside, synced, renamed by the cell process. Its presence means: it is whole. */
export const ENVELOPE_FILE = 'envelope.bin';
/** Output records (output.ts), spooled by the runner before anything is streamed. */
export const OUTPUT_FILE = 'output.spool';
/** The record (job.ts), by the home agent: write, sync, rename. */
export const RECORD_FILE = 'record.json';
/** Written by the runner when it has started, and again with usage while it runs. */
export const HEARTBEAT_FILE = 'heartbeat.json';
/** What it used over its time (samples.ts), by the runner while it runs. */
export const SAMPLES_FILE = 'samples.json';
/** Written once by the runner at the end: how the cell process ended. */
export const OUTCOME_FILE = 'outcome.json';
/** What a batch job's runner is told (run.ts, RunOrders), where nobody can write to its standard input. */
export const ORDERS_FILE = 'orders.json';
/** The script that a batch system runs. */
export const SCRIPT_FILE = 'submit.sh';
/** How far the submission to a batch system has come: written before the first try. */
export const SUBMISSION_FILE = 'submission.json';
/** Of a job that runs in an allocation: which. */
export const ALLOCATION_FILE = 'allocation.json';
/** Of an allocation that nobody can reach: the key that its agent and ours know, where its agent shall call, and calls through files. */
export const KEY_FILE = 'key';
export const LISTEN_FILE = 'listen.json';
export const CALLS_FOLDER = 'calls';
/** Of an allocation: the state directory of its agent. */
export const ALLOCATION_STATE = 'agent';
/** Its presence asks the runner to end, where no signal reaches it: from another machine. */
export const CANCEL_FILE = 'cancel';
/** The files that go along with the job (job-files.ts): written by the notebook before submission. */
export const INPUTS_FILE = 'inputs.json';
/** The files that the job has made for the notebook: written by the cell process before the envelope. */
export const OUTPUTS_FILE = 'outputs.json';
/** Where the cell runs: a folder for its inputs, its outputs and its scratch. */
export const WORK_FOLDER = 'work';
/** The job at the agent of another machine, as far as it has come there. */
export const REMOTE_FILE = 'remote.json';

/** In the state directory: archives of packages, by their content. */
export function environmentsFolder(state: string): string {
  return join(state, 'environments');
}

export function archivePath(state: string, sha256: string): string {
  return join(environmentsFolder(state), `${sha256}.tgz`);
}
