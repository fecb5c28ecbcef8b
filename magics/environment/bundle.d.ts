import type { CollectedPackage } from './collect';
import type { EnvironmentMode } from './mode';
export declare const bundle: EnvironmentMode;
export declare function isNative({ nativeBecause }: CollectedPackage): boolean;
/** `lodash 4.17.21`. */
export declare function label({ name, version }: Pick<CollectedPackage, 'name' | 'version'>): string;
