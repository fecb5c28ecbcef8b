// How the command ends, for scripts.

export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

export const EXIT_MEANINGS: readonly (readonly [code: number, meaning: string])[] = [
  [EXIT.done, 'done. attach, run: the cell returned. doctor: everything is in place'],
  [
    EXIT.failed,
    'failed. attach, run: a cell threw, or its job failed or was cancelled. doctor: something needs attention',
  ],
  [EXIT.usage, 'the command line cannot be understood, or names what there is not'],
  [EXIT.interrupted, 'interrupted (Ctrl-C, SIGTERM); jobs that were sent go on'],
];
