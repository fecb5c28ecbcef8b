// What the command line understands, in the words of `cellburst --help`.
export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

export const HELP = `cellburst: jobs of %%cluster cells, and the kernel for Jupyter

  cellburst jobs                    list all jobs that are kept
  cellburst logs [-f] ID            what a job has printed; -f goes on until it ends
  cellburst attach ID               print a job's output until it ends, and how it ended
  cellburst cancel ID               end a job
  cellburst hold | release ID       keep a job that waits from starting, or let it go
  cellburst config                  the clusters there are, seen from this folder
  cellburst config explain NAME     each value of one, and the file and line it comes from
  cellburst fs VERB …               files of clusters; \`cellburst fs\` tells how
  cellburst agent status | stop     the process that looks after the jobs; they go on without it
  cellburst install [--user | --sys-prefix | --prefix DIR]
                                    tell Jupyter of this kernel
  cellburst uninstall [--user | --sys-prefix | --prefix DIR]
  cellburst --version | --help

  --json      for programs: one JSON value (jobs, agent status, cancel, attach, hold, release, config)

An ID may be shortened to any beginning or ending that fits one job only.
The result of a job belongs into a notebook: run \`%cluster attach ID\` there.

Environment
  CELLBURST_STATE_DIR    where jobs are kept

Exit codes
  0   done; for attach: the cell returned
  1   failed; for attach: the cell threw, or the job failed or was cancelled
  2   the command line cannot be understood, or names no job
  130 interrupted
`;
