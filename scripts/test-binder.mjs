// `npm run test:binder`: Binder's own scripts in a fresh clone and a clean home, as an unprivileged user, then a browser through the demo. Takes minutes, and
// downloads what an image would: npm's packages and a JupyterLab.
import { runOnly } from './test/only.mjs';

await runOnly({ tests: 'tests/binder', environment: { CELLBURST_BINDER: 'full' } });
