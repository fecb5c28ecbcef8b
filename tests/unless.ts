// Tests that this machine may not be able to run: they are skipped, and say why by their names, which the end of a run lists.

/** `missing`: undefined where nothing is. */
export function testUnless(missing: string | undefined) {
  return (name: string, body: () => Promise<void> | void, milliseconds?: number): void => {
    const run = missing === undefined ? test : test.skip;
    run(`${name}${notTested(missing)}`, async () => await body(), milliseconds);
  };
}

/** The body is called in either case, so that each test is counted. */
export function describeUnless(missing: string | undefined, title: string, body: () => void): void {
  (missing === undefined ? describe : describe.skip)(`${title}${notTested(missing)}`, body);
}

function notTested(missing: string | undefined): string {
  return missing === undefined ? '' : ` (not tested: ${missing})`;
}
