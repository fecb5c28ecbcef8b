// What lies in the queues of the real batch systems, asked of them directly.
import type { RunningSystem } from './open';

/** A line for each job in one of the states, as squeue prints it. */
export async function slurmQueue(system: RunningSystem, states: string, format: string): Promise<readonly string[]> {
  const { stdout } = await system.run(['squeue', '-h', '-t', states, '-o', format]);
  return stdout.split('\n').filter((line) => line !== '');
}

export async function gridEngineQueue(
  system: RunningSystem,
  field: 'JB_job_number' | 'JB_name',
): Promise<readonly string[]> {
  const { stdout } = await system.run(['qstat', '-u', '*', '-xml']);
  return [...stdout.matchAll(new RegExp(`<${field}>(.*?)</${field}>`, 'g'))].map(([, value = '']) => value);
}

/** Names or ids; `history`: of ended jobs, too. */
export async function pbsQueue(
  system: RunningSystem,
  field: 'id' | 'name',
  ...history: readonly '-x'[]
): Promise<readonly string[]> {
  const { stdout: ids } = await system.run(['qselect', ...history, '-u', system.user.name]);
  const all = ids.split('\n').filter((id) => id !== '');
  if (field === 'id' || all.length === 0) return all;
  const { stdout } = await system.run(['qstat', ...history, '-f', '-F', 'dsv', ...all]);
  return [...stdout.matchAll(/\|Job_Name=([^|]*)\|/g)].map(([, name = '']) => name);
}
