// The question for the state of many jobs, which the controller is asked once: squeue asks it for all jobs as well, and each time for all partitions beside.
// scontrol tells all of every job, some 1.5 kB; what is ours is picked out before it travels.
import type { NativeId } from '../protocol/job';
import type { Columns } from './slurm-answers';
import type { Argv } from '../transports/shell';

/** What a line of the answer holds, separated by `|`. Free text last: a name can hold the separator. */
export const QUEUE_COLUMNS: Columns = [
  'JobID',
  'State',
  'Reason',
  'ExitCode',
  'NodeList',
  'StartTime',
  'EndTime',
  'Name',
];

/** `scontrol -o show job`: a line for each job, `JobId=7 JobName=x …`, with blanks in free text only. The first of each field is Slurm's: a comment comes last. */
const PICK = `BEGIN { count = split(ids, list, ","); for (i = 1; i <= count; i++) wanted["JobId=" list[i]] = 1 }
$1 == "exit-code-of-scontrol" { code = $2; next }
!($1 in wanted) { next }
{
  split("", seen)
  for (i = 1; i <= NF; i++) {
    at = index($i, "=")
    key = substr($i, 1, at - 1)
    if (at > 0 && !(key in seen)) seen[key] = substr($i, at + 1)
  }
  if (seen["NodeList"] == "(null)") seen["NodeList"] = ""
  print seen["JobId"] "|" seen["JobState"] "|" seen["Reason"] "|" seen["ExitCode"] "|" seen["NodeList"] "|" seen["StartTime"] "|" seen["EndTime"] "|" seen["JobName"] "|"
}
END { exit code }`;

/** Ends with scontrol's own exit code. One job alone costs the controller one record, however many jobs its cluster has. */
export function queueCommand(ids: readonly NativeId[]): Argv {
  const [only = '', ...others] = ids;
  const one = others.length === 0 ? only : '';
  const line = '{ scontrol -a -o show job $3; echo "exit-code-of-scontrol $?"; } | awk -v ids="$1" "$2"';
  return ['sh', '-c', line, 'sh', ids.join(','), PICK, one];
}
