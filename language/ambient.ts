// Types of the modules that every cell can import with nothing installed. `tslab` itself comes with its own.

export const AMBIENT_TYPES = `declare module 'cellburst' {
  /** Data by MIME type: text for text types, base64 or text for the others, JSON values for JSON types. */
  export type MimeBundle = { readonly [mimeType: string]: unknown };

  export interface Display {
    /** Shows a value as the last expression of a cell is shown, or a bundle of representations. */
    (value: unknown, options?: { readonly metadata?: MimeBundle }): void;
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

  /** Asks the person at the notebook for a line of text. */
  export function input(prompt?: string, options?: { readonly password?: boolean }): Promise<string>;

  /** Clears what the cell has shown; with \`wait\`, only when something new is there to show. */
  export function clearOutput(options?: { readonly wait?: boolean }): void;

  export function html(text: string): void;
  export function markdown(text: string): void;
  export function latex(text: string): void;
  export function svg(text: string): void;
}
`;
