// What of 'cellburst', and of the globals, needs the front end: questions to a person, and comms. In a job and in a thread of `pmap` there is none to
// reach, and they say so instead of being absent.

const QUESTIONS = ['prompt', 'confirm', 'alert'] as const;

/** Errors are made by the caller's classes. */
export function frontEndElsewhere(newError: (message: string) => Error): Readonly<Record<string, unknown>> {
  const refuse = (name: string, instead: string) => (): never => {
    throw newError(`${name}() needs the notebook's front end, which a job does not reach. ${instead}`);
  };
  const ask = 'Ask in a cell before this one, and use the answer here.';
  const tell = 'Open the comm in a cell at home, and send what the job brings back.';
  return {
    input: refuse('input', ask),
    openComm: refuse('openComm', tell),
    onComm: refuse('onComm', tell),
    ...Object.fromEntries(QUESTIONS.map((name) => [name, refuse(name, ask)])),
  };
}

/** Puts `prompt`, `confirm` and `alert` on the global object. */
export function installQuestions(main: object, functions: Readonly<Record<string, unknown>>): void {
  for (const name of QUESTIONS)
    Object.defineProperty(main, name, {
      value: functions[name],
      configurable: true,
      writable: true,
      enumerable: false,
    });
}
