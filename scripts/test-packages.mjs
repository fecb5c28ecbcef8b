// `npm run test:packages`: what is published, with a JupyterLab that pip brings into a fresh environment. Downloads some 100 MB.
import { runOnly } from './test/only.mjs';

await runOnly({ tests: 'tests/packaging', environment: { CELLBURST_PACKAGES: 'full' } });
