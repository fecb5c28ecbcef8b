// TypeScript for Jest, by the compiler that builds the programs: one understanding of the language in tests and in dist/. Types are checked elsewhere.
const { createHash } = require('node:crypto');
const { transformSync, version } = require('esbuild');

const OPTIONS = {
  format: 'cjs',
  target: 'node20',
  sourcemap: 'external',
  // Jest has no import() of its own without a flag of Node; a test's import() becomes a require.
  supported: { 'dynamic-import': false },
};

module.exports = {
  process(source, path) {
    const { code, map } = transformSync(source, {
      ...OPTIONS,
      sourcefile: path,
      loader: /\.tsx?$/.exec(path)?.[0].slice(1) ?? 'js',
    });
    return { code, map };
  },
  getCacheKey(source, path) {
    return createHash('sha256')
      .update(JSON.stringify([version, OPTIONS, path, source]))
      .digest('hex');
  },
};
