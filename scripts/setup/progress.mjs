// What a person sees while something takes long: one line when it begins, one when it has ended; on a terminal a spinner in between.
import { spawn } from 'node:child_process';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/** Of a failed program's output: what went wrong stands first with some (npm), last with others (pip). */
const SHOWN_LINES = 12;

/** A set-up step that failed, told for the person who typed the command. */
export class SetupError extends Error {
  constructor(message, options) {
    super(message, options);
    this.name = 'SetupError';
  }
}

/**
 * Runs `action` under a line of progress on standard error.
 * @template T
 * @param {string} label what is being done, as a participle: "installing npm packages"
 * @param {() => Promise<T>} action
 * @returns {Promise<T>}
 */
export async function step(label, action) {
  const started = performance.now();
  const stop = process.stderr.isTTY ? spin(label) : announce(label);
  try {
    const result = await action();
    stop(`✓ ${label} (${seconds(started)})`);
    return result;
  } catch (error) {
    stop(`✗ ${label} (${seconds(started)})`);
    throw error;
  }
}

function seconds(started) {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}

function announce(label) {
  console.error(`… ${label}`);
  return (line) => console.error(line);
}

function spin(label) {
  let turn = 0;
  const timer = setInterval(() => {
    process.stderr.write(`\r${FRAMES[turn++ % FRAMES.length]} ${label}`);
  }, 100);
  return (line) => {
    clearInterval(timer);
    process.stderr.write(`\r\x1b[K${line}\n`);
  };
}

/**
 * Runs a program quietly and gives its output. Its last lines become part of the error when it fails.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, advice?: string }} [options] `advice`: what to do when it fails
 * @returns {Promise<string>} standard output
 */
export function run(program, args, { cwd, env = process.env, advice } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
    let stdout = '';
    let both = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      both += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => (both += text));
    const fail = (why, cause) => {
      const command = [program, ...args].join(' ');
      reject(new SetupError([`${why}: ${command}`, ends(both), advice].filter(Boolean).join('\n'), { cause }));
    };
    child.on('error', (cause) => fail(`Cannot start a program (${cause.message})`, cause));
    child.on('close', (code, signal) =>
      code === 0 ? resolve(stdout) : fail(`A program failed with ${signal ?? `exit code ${code}`}`),
    );
  });
}

function ends(output) {
  const lines = output.trimEnd().split('\n');
  if (lines.length <= 2 * SHOWN_LINES) return lines.join('\n');
  return [...lines.slice(0, SHOWN_LINES), '  …', ...lines.slice(-SHOWN_LINES)].join('\n');
}
