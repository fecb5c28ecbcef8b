// Tests import TypeScript sources through esbuild (types are checked by `npm run check`); whole processes are the built files in dist/.
module.exports = {
  testEnvironment: 'node',
  globalSetup: '<rootDir>/scripts/jest-setup.mjs',
  maxWorkers: 2,
  roots: ['<rootDir>/tests'],
  testMatch: ['**/*.test.ts'],
  transform: { '\\.[jt]sx?$': '<rootDir>/tests/transform.js' },
  transformIgnorePatterns: ['/node_modules/(?!(devalue|@jupyterlab|@lumino|@jupyter)/)'],
  testTimeout: 60_000,
};
