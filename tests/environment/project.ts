// A notebook's folder with packages of every kind: real ones of this clone, and small ones written here for what those do not show.
import { cpSync, mkdirSync, symlinkSync, writeFileSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from '../kernel/client';

/** (module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)) */
const ADD_WASM = Buffer.from(
  '0061736d0100000001070160027f7f017f030201000707010361646400000a09010700200020016a0b',
  'hex',
);

const MANIFEST = (name: string, more: Record<string, unknown> = {}): string =>
  JSON.stringify({ name, version: '1.2.3', ...more });

/** Files by path, relative to the notebook's folder. */
const WRITTEN: Readonly<Record<string, string | Buffer>> = {
  // CommonJS and ESM in one, as two entry points that must stay one class.
  'node_modules/counter/package.json': MANIFEST('counter', { main: 'index.js' }),
  'node_modules/counter/index.js':
    "'use strict';\nclass Counter {\n  constructor(n) {\n    this.n = n;\n  }\n  up() {\n    if (this.n > 9) throw new RangeError('too many');\n    return ++this.n;\n  }\n}\nlet made = 0;\nexports.Counter = Counter;\nexports.load = () => (made += 1);\n",
  'node_modules/uses-counter/package.json': MANIFEST('uses-counter', { type: 'module', exports: './main.js' }),
  'node_modules/uses-counter/main.js':
    "import { Counter, load } from 'counter';\nexport const fresh = () => new Counter(5);\nexport { load };\nexport const late = async () => (await import('./late.js')).default;\nconst answer = await Promise.resolve(42);\nexport { answer };\n",
  'node_modules/uses-counter/late.js': "export default 'late';\n",
  'node_modules/uses-counter/never-reached.js': 'export default 1;\n',
  // What lies beside the code.
  'node_modules/assets/package.json': MANIFEST('assets', { main: 'lib/index.js', dependencies: { suffix: '*' } }),
  'node_modules/assets/lib/index.js':
    "const { readFileSync } = require('node:fs');\nconst { join } = require('node:path');\nconst table = require('./table.json');\nconst wasm = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(join(__dirname, 'add.wasm'))));\nexports.sum = (name, b) => wasm.exports.add(table[name], b);\nexports.plugin = (name) => require('./plugins/' + name);\n",
  'node_modules/assets/lib/table.json': '{"one":1,"two":2}',
  'node_modules/assets/lib/add.wasm': ADD_WASM,
  'node_modules/assets/lib/plugins/loud.js': "module.exports = (text) => text.toUpperCase() + require('suffix');\n",
  // What a made name may mean to whoever looks, and is no code.
  'node_modules/assets/lib/plugins/page.html': '<p>',
  'node_modules/assets/node_modules/suffix/package.json': MANIFEST('suffix'),
  'node_modules/assets/node_modules/suffix/index.js': "module.exports = '!';\n",
  // A package of the same workspace.
  'packages/shape/package.json': MANIFEST('@team/shape', { type: 'module', exports: './src/shape.js' }),
  'packages/shape/src/shape.js':
    "import { distance } from 'fastest-levenshtein';\nexport const near = (a, b) => distance(a, b) <= 1;\n",
  // Whose optional part is not installed.
  'node_modules/optional/package.json': MANIFEST('optional'),
  'node_modules/optional/index.js':
    "let fast;\ntry {\n  fast = require('not-installed-at-all');\n} catch {\n  fast = undefined;\n}\nmodule.exports = fast === undefined ? 'slow' : 'fast';\n",
  'node_modules/bound/package.json': MANIFEST('bound'),
  'node_modules/bound/binding.gyp': '{}',
  'node_modules/bound/index.js': 'exports.bound = 1;\n',
  // Local code, TypeScript, with an alias of its own.
  'tsconfig.json': JSON.stringify({ compilerOptions: { baseUrl: '.', paths: { '@lib/*': ['src/*'] } } }),
  'src/area.ts':
    "import { near } from '@team/shape';\nexport const area = (r: number): number => (near('a', 'b') ? r * r : 0);\n",
};

/** Packages of this clone: CommonJS, ESM alone, both. */
const REAL = ['fastest-levenshtein', 'devalue', 'yaml', 'zod'];

export function writeProject(folder: string): void {
  for (const [path, content] of Object.entries(WRITTEN)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  for (const name of REAL) symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
  mkdirSync(join(folder, 'node_modules', '@team'));
  symlinkSync('../../packages/shape', join(folder, 'node_modules', '@team', 'shape'));
  // Patched, as patch-package leaves it: the version says nothing of it.
  const patched = join(folder, 'node_modules', 'patched');
  cpSync(join(ROOT, 'node_modules', 'fastest-levenshtein'), patched, { recursive: true, dereference: true });
  const entry = join(patched, 'mod.js');
  writeFileSync(entry, `${readFileSync(entry, 'utf8')}\nexports.patched = 'yes';\n`);
}
