// `none`: the job takes the packages that it finds from the notebook's folder on.
import type { EnvironmentMode } from './mode';

export const none: EnvironmentMode = {
  prepare: ({ reason }) => Promise.resolve({ mode: 'none', reason }),
};
