// The error classes that cells import from 'cellburst', at home and in a job.
import { ClusterError } from './errors';
import * as jobs from './job-errors';

export const errorClasses = { ClusterError, ...jobs };
