export { Environments, type EnvironmentRequest } from './environments';
