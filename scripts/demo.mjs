// `npm run demo`: the quickstart notebook, executed through a real Jupyter server by this kernel. Exits non-zero if a cell failed.
import { join } from 'node:path';
import { runScript, setUp } from './setup.mjs';
import { root } from './setup/places.mjs';

await runScript(async () => {
  await setUp({ register: false });
  // Only now: the packages that these load may have been installed just above.
  const { load } = await import('./load.mjs');
  const { demonstrate } = await import('./demo/demonstrate.mjs');
  const { startServer } = await load('tests/notebook/server.ts');
  return demonstrate(startServer, join(root, 'examples'), 'quickstart');
});
