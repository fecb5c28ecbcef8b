import type { JobId, JobRecord } from '../protocol/job';
export interface Retention {
    readonly days: number;
    readonly jobs: number;
    readonly bytes: number;
}
export interface StoredJob {
    readonly record: JobRecord;
    readonly bytes: number;
    /** The process that created it is still there. */
    readonly isOriginAlive: boolean;
}
/** Jobs to forget altogether: the oldest beyond any limit, delivered ones first; and those that were never submitted. */
export declare function toForget(jobs: readonly StoredJob[], keep: Retention, nowMs: number): JobId[];
/** There is a result, and it is in no notebook. */
export declare function isUnfetched({ status, deliveredAt, spec }: JobRecord): boolean;
/** Jobs whose result is at home: bundle and envelope can go. */
export declare function toLighten(jobs: readonly StoredJob[], nowMs: number): JobId[];
