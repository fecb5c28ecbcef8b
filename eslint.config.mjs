import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const NODE_GLOBALS = [
  'process',
  'console',
  'module',
  'require',
  '__dirname',
  '__filename',
  'URL',
  'Buffer',
  'performance',
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'queueMicrotask',
  'fetch',
  'AbortController',
  'AbortSignal',
  'structuredClone',
  'TextEncoder',
  'TextDecoder',
  'WebAssembly',
  'SharedArrayBuffer',
  'Atomics',
];

export default tseslint.config(
  { ignores: ['build/', 'dist/', 'node_modules/', '.cache/', 'examples/', 'labextension/lib/'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked.map((config) => ({ ...config, files: ['**/*.ts', '**/*.tsx'] })),
  {
    files: ['**/*.ts', '**/*.tsx'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      'no-restricted-syntax': [
        'error',
        {
          selector: "ImportDeclaration[importKind='value'][source.value='zod'] > ImportSpecifier[imported.name='z']",
          message: 'Import `* as z`: the object `z` brings all of zod into each program.',
        },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // `() => socket.close()` says what happens; braces around it say nothing more.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-invalid-void-type': ['error', { allowAsThisParameter: true }],
      // Error.isError, which Node's types name instead, is not in Node 20 and 22.
      '@typescript-eslint/no-deprecated': [
        'error',
        {
          allow: ['isNativeError', 'RequireExtensions'].map((name) => ({
            from: 'package',
            name,
            package: '@types/node',
          })),
        },
      ],
      // A string is spread where its code points are meant.
      '@typescript-eslint/no-misused-spread': ['error', { allow: ['string'] }],
    },
  },
  {
    // Where values of the user are read, methods are taken off the built-in prototypes once, before user code can change them, and called by `call`.
    files: ['magics/protocol/**', 'magics/realm/**', 'magics/capture/**'],
    rules: { '@typescript-eslint/unbound-method': 'off' },
  },
  {
    files: ['**/*.mjs', '**/*.js'],
    languageOptions: {
      globals: Object.fromEntries(NODE_GLOBALS.map((name) => [name, 'readonly'])),
    },
  },
);
