// What only a person can answer: passwords, codes, whether a host is to be trusted. Answers are used once, kept nowhere and written nowhere.

export interface Question {
  /** Who asks: `user@host`. */
  readonly host: string;
  readonly text: string;
  /** Not to be shown as it is typed. */
  readonly isSecret: boolean;
}

/** undefined: there is nobody to ask, or they would rather not. */
export type Ask = (question: Question, signal: AbortSignal) => Promise<string | undefined>;
