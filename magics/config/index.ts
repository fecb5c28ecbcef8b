// What the user has configured: clusters by name. Read by the notebook, which shows names and defaults, and by the agent, which runs jobs there.
export { SCHEDULERS } from './schema';
export { configPath, readClusters, Clusters, type ClusterConfig } from './clusters';
