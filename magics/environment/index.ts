// How the packages of a cell come to its cluster.
export { Environments, type EnvironmentRequest } from './environments';
