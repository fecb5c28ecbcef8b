import type { EnvironmentMode } from './mode';
export declare const none: EnvironmentMode;
