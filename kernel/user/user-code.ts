// Is the user's code on the stack? Asked by an interrupt, on top of whatever the main thread does: only user code may be terminated. A handler of ours that
// is cut off would take a request with it, which nobody would ever answer.

/** User code is on top: below it there may be any number of frames. */
const LOOKED_AT = 100;

/** `own`: the path of the program that this is in. */
export function isUserCodeOnStack(own: string): boolean {
  return callSites().some((site) => {
    const file = site.getFileName() ?? site.getEvalOrigin();
    // What the inspector evaluates has no name and no origin.
    return file !== undefined && file !== own && !file.startsWith('node:');
  });
}

function callSites(): readonly NodeJS.CallSite[] {
  const before = Reflect.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  const { stackTraceLimit } = Error;
  let sites: readonly NodeJS.CallSite[] = [];
  Error.stackTraceLimit = LOOKED_AT;
  Error.prepareStackTrace = (_error, given) => {
    sites = given;
    return '';
  };
  try {
    // Reading it is what makes V8 collect the sites.
    return new Error().stack === '' ? sites : [];
  } finally {
    if (before) Object.defineProperty(Error, 'prepareStackTrace', before);
    else Reflect.deleteProperty(Error, 'prepareStackTrace');
    Error.stackTraceLimit = stackTraceLimit;
  }
}
