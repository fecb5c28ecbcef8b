// `npm run test:large`: values of the conformance list at their full sizes. Needs some 6 GB of memory and a few minutes.
import { runOnly } from './test/only.mjs';

await runOnly({ tests: 'tests/capture/large-values', environment: { CELLBURST_LARGE: '1' }, jupyter: false });
