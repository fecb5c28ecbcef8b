// Before any test: the programs in dist/ are those of the sources.
import { buildPrograms } from './setup/programs.mjs';

export default async function setup() {
  await buildPrograms();
}
