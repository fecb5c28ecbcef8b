// What the user has configured: clusters by name. Read by the notebook, which shows names and defaults, and by the agent, which runs jobs there.
export { NO_MODULES } from './modules';
export { fromDefinition, toDefinition, toProjectDefinition } from './definition';
export { readClusters, Clusters, type ClusterConfig, type ClusterConfigs } from './clusters';
export { configPath } from './layers';
export { explain, type ExplainedValue } from './explain';
