// How the packages of a cell come to its cluster.
export { Environments, type EnvironmentRequest } from './environments';
export { misfit } from './fit';
export { compareLockFile } from './lock-files';
export { compareLock, compareRoots, lockPath, readLock, restoreLine, writeLock } from './lock';
export { readSpec, type EnvironmentSpec, type SpecPackage } from './spec';
