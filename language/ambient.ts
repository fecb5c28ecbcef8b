// Types of the modules that every cell can import with nothing installed. `tslab` itself comes with its own.

export const AMBIENT_TYPES = `/**
 * The file of this name, wherever the cell runs: at home the path as given, in a job the place where the file is there. A literal name makes the
 * file go along with a \`%%cluster\` cell. To ask a person: \`import { input } from 'cellburst'\`.
 */
declare function input(path: string): string;
/**
 * Where to write a file of this name: at home the path as given, in a job a place from which the file comes home when the cell has ended. A
 * literal name makes it known to a \`%%cluster\` cell.
 */
declare function output(path: string): string;
/** Asks the person at the notebook, and waits for the answer: an empty one gives \`initial\`. For more than a line of text see \`input\` of 'cellburst'. */
declare function prompt(message?: string, initial?: string): string;
/** Asks for yes or no, and waits for the answer. */
declare function confirm(message?: string): boolean;
/** Shows a message, and waits until it was seen. */
declare function alert(message?: string): void;

declare module 'cellburst' {
  /** Data by MIME type: text for text types, base64 or text for the others, JSON values for JSON types. */
  export type MimeBundle = { readonly [mimeType: string]: unknown };

  export interface ShowOptions {
    readonly metadata?: MimeBundle;
    /** A name of the display, by which it can be written over, from any cell. */
    readonly id?: string;
    /** Write over what is shown under this id, wherever it is. */
    readonly update?: boolean;
  }

  export interface Display {
    /** Shows a value as the last expression of a cell is shown, or a bundle of representations. */
    (value: unknown, options?: ShowOptions): void;
    html(text: string): void;
    markdown(text: string): void;
    latex(text: string): void;
    svg(text: string): void;
    javascript(text: string): void;
    text(text: string): void;
    json(value: unknown): void;
    png(bytes: Uint8Array): void;
    jpeg(bytes: Uint8Array): void;
    gif(bytes: Uint8Array): void;
    pdf(bytes: Uint8Array): void;
    /** Data of any MIME type. */
    raw(mimeType: string, data: string | Uint8Array): void;
  }

  /** Shows rich output under the cell. */
  export const display: Display;
  /** A display whose output replaces what it showed before. */
  export function newDisplay(): Display;
  /** Clears what the cell has shown; with \`wait\`, when the next output comes. */
  export function clearOutput(options?: { readonly wait?: boolean }): void;

  /**
   * Maps in order over the cores of the job, or of this machine, with worker threads. The function and what it uses travel as a
   * cluster cell does. An error carries the \`index\` of its item.
   */
  export function pmap<T, R>(
    items: Iterable<T>,
    f: (item: T, index: number) => R | Promise<R>,
    options?: { readonly cores?: number },
  ): Promise<R[]>;

  /** Marks an object or function that is to stay in this process: a cluster cell that needs it is refused before it is sent. Gives it back. */
  export function local<T extends object>(value: T): T;

  /** How objects of a class travel to cluster cells and back. All its functions are synchronous. */
  export interface Codec<T, P> {
    /** What travels instead of the object: anything that travels by itself, or by a codec. */
    encode(object: T): P;
    /** Makes the object again. \`type\` is its class: that of a subclass, where \`subclasses\` is set. */
    decode(payload: P, type: unknown): T;
    /** Makes an object that the notebook has into what a cluster cell has made of it. Without it, such an object must not be changed there. */
    update?(object: T, payload: P): void;
    /** Are objects of subclasses made as well? */
    readonly subclasses?: boolean;
  }
  /**
   * Teaches how objects of a class travel whose properties do not tell everything: classes of packages with private state, as a rule. The codec's
   * functions travel as functions of a cell do. Registering the same class again replaces its codec.
   */
  export function registerCodec<T, P>(type: { readonly prototype: T }, codec: Codec<T, P>): void;

  export interface PlaceOptions {
    /** Folders with all that is in them. */
    readonly recursive?: boolean;
    /** Files that are there already are replaced. */
    readonly force?: boolean;
  }
  export interface TransferOptions extends PlaceOptions {
    /** Bytes that went over the connection, of those that have to: what is there already has not. */
    readonly progress?: (bytes: number, of: number) => void;
  }
  export interface ClusterFile {
    /** From the folder that was listed. */
    readonly path: string;
    readonly kind: 'file' | 'folder' | 'link' | 'other';
    readonly size: number;
    readonly mode: number;
    readonly modifiedAt: Date;
    /** Of a link. */
    readonly target?: string;
  }
  export interface Transferred {
    readonly files: number;
    readonly bytes: number;
    /** What had to go over the connection; the rest was there. */
    readonly sentBytes: number;
    /** Where it is now, absolute. */
    readonly path: string;
    /** What cannot travel, each with the reason. */
    readonly left: readonly { readonly path: string; readonly reason: string }[];
  }
  export interface FileCount {
    readonly files: number;
    readonly folders: number;
    readonly bytes: number;
  }
  /** Files of clusters, for cells at home. A place is \`NAME:path\`; relative paths begin from the home directory there. */
  export interface ClusterFs {
    list(place: string, options?: PlaceOptions): Promise<ClusterFile[]>;
    read(place: string): Promise<Buffer>;
    readText(place: string): Promise<string>;
    /** Writes a file whole, over one that is there. */
    write(place: string, content: string | Uint8Array): Promise<void>;
    get(place: string, here?: string, options?: TransferOptions): Promise<Transferred>;
    put(here: string, place: string, options?: TransferOptions): Promise<Transferred>;
    remove(place: string, options?: PlaceOptions): Promise<FileCount>;
    usage(place: string): Promise<FileCount & { readonly diskBytes: number }>;
    space(place: string): Promise<{ readonly totalBytes: number; readonly availableBytes: number }>;
  }
  export interface EndedJob {
    readonly id: string;
    /** Did its cell return, or throw? */
    readonly outcome: 'value' | 'error';
    /** Its result is in a notebook; before: \`%cluster attach ID\`. */
    readonly isDelivered: boolean;
    readonly node?: string;
  }
  export const cluster: {
    readonly fs: ClusterFs;
    /**
     * Waits for a job, by its id. One that leaves no result is thrown as the error of its cause, so that a cell can
     * \`catch\` it and look: \`error instanceof OutOfMemoryError\`, \`error.memoryUsedMiB\`, \`error.exitCode\` ….
     */
    wait(id: string): Promise<EndedJob>;
  };

  /** All errors of clusters. \`code\` tells the kind, also of those that came from elsewhere. */
  export abstract class ClusterError extends Error {
    readonly code: string;
    /** May the same thing succeed when tried again? */
    readonly transient: boolean;
  }
  /** What is known of a job that left no result. */
  export interface JobFacts {
    readonly jobId: string;
    readonly cluster: string;
    /** The scheduler's own id. */
    readonly nativeId?: string;
    /** Why, in a sentence. */
    readonly reason: string;
    /** What to do, in a sentence. */
    readonly advice: string;
    readonly exitCode?: number;
    readonly signal?: string;
    readonly node?: string;
    readonly memoryAskedMiB?: number;
    readonly memoryUsedMiB?: number;
    readonly timeAskedSeconds?: number;
    readonly timeUsedSeconds?: number;
    /** As the scheduler put it. */
    readonly schedulerWords?: string;
    /** The end of what it printed. */
    readonly lastLines?: readonly string[];
  }
  /** A job ended and left no result. Its classes tell why. */
  export class JobFailedError extends ClusterError {}
  export interface JobFailedError extends JobFacts {}
  /** Its process ended with \`exitCode\` before the cell returned. */
  export class JobExitError extends JobFailedError {}
  /** Its process was ended by \`signal\`. */
  export class JobSignalError extends JobFailedError {}
  export class OutOfMemoryError extends JobFailedError {}
  /** Its wall time was over. */
  export class TimeLimitError extends JobFailedError {}
  /** The node that it ran on failed. */
  export class NodeFailureError extends JobFailedError {}
  /** Another job took its place. */
  export class PreemptedError extends JobFailedError {}
  /** It waits, and the scheduler says that it never can start as it is. It has not ended. */
  export class JobCannotStartError extends JobFailedError {}
  /** It was given a place, and could not be started there. */
  export class JobStartError extends JobFailedError {}
  /** Its packages could not be made where it was to run. */
  export class JobEnvironmentError extends JobFailedError {}
  /** It has ended, and its result cannot be read. */
  export class ResultUnreadableError extends JobFailedError {}
  export class DiskFullError extends JobFailedError {}
  /** It is over, and nobody can tell how it came about. */
  export class JobLostError extends JobFailedError {}
  /** It was cancelled, by you or in your name. */
  export class JobCancelledError extends ClusterError {}
  export interface JobCancelledError extends JobFacts {}
  /** It was cancelled by an administrator, or by the scheduler itself. */
  export class CancelledByOperatorError extends JobCancelledError {}
  /** The scheduler did not accept it. */
  export class JobRejectedError extends ClusterError {
    readonly schedulerWords?: string;
  }

  /** Asks the person at the notebook for a line of text. */
  export function input(prompt?: string, options?: { readonly password?: boolean }): Promise<string>;

  /** A message of a comm: JSON, and bytes beside it. */
  export interface CommMessage {
    readonly data: { readonly [key: string]: unknown };
    readonly metadata: { readonly [key: string]: unknown };
    readonly buffers: readonly Uint8Array[];
  }
  export interface CommExtras {
    readonly metadata?: { readonly [key: string]: unknown };
    readonly buffers?: readonly (Uint8Array | ArrayBuffer)[];
  }
  /** One end of a conversation with something in the front end: a widget, an extension. */
  export interface Comm {
    readonly id: string;
    readonly target: string;
    readonly isClosed: boolean;
    send(data: object, extras?: CommExtras): void;
    close(data?: object, extras?: CommExtras): void;
    /** Gives what takes the listener away. What came before anybody listened comes to the first listener. */
    onMessage(listener: (message: CommMessage) => void): () => void;
    onClose(listener: (message: CommMessage) => void): () => void;
  }
  /** Opens a comm to whatever serves \`target\` in the front end. */
  export function openComm(target: string, data?: object, extras?: CommExtras & { readonly id?: string }): Comm;
  /** Serves comms that the front end opens to \`target\`. */
  export function onComm(target: string, listener: (comm: Comm, opening: CommMessage) => void): void;

  export function html(text: string): void;
  export function markdown(text: string): void;
  export function latex(text: string): void;
  export function svg(text: string): void;
  export function png(bytes: Uint8Array): void;
  export function jpeg(bytes: Uint8Array): void;
  /** A tree that can be unfolded, where the front end has one. */
  export function json(value: unknown): void;
  /** A chart, by a Vega-Lite specification. */
  export function vegaLite(spec: object): void;

  export interface TableOptions {
    /** Which columns, in this order; all that occur, if not given. */
    readonly columns?: readonly string[];
    /** How many rows are shown; 50, if not given. */
    readonly rows?: number;
  }
  /** Shows records as a table: objects or arrays, one per row, or one object of columns. */
  export function table(
    records: Iterable<unknown> | { readonly [column: string]: ArrayLike<unknown> },
    options?: TableOptions,
  ): void;

  export interface ProgressOptions {
    readonly label?: string;
    /** How many items there will be, where they do not tell it themselves. */
    readonly total?: number;
  }
  /** The same items, with a bar that shows how far the loop is. A number means 0, 1, 2 … below it. */
  export function progress(count: number, options?: ProgressOptions): Iterable<number>;
  export function progress<T>(items: Iterable<T>, options?: ProgressOptions): Iterable<T>;
  export function progress<T>(items: AsyncIterable<T>, options?: ProgressOptions): AsyncIterable<T>;
}
`;
