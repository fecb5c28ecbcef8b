// What a cell shows, from Jupyter's messages to something that does not look like them. Source: "Messaging in Jupyter" 5.5, "Messages on the IOPub".
import { isContent, type Content } from '../wire/message';

export type CellOutput =
  | { readonly type: 'stream'; readonly name: 'stdout' | 'stderr'; readonly text: string }
  | { readonly type: 'result'; readonly data: Content; readonly metadata: Content; readonly execution: number }
  | {
      readonly type: 'display';
      readonly data: Content;
      readonly metadata: Content;
      readonly displayId?: string;
      /** Replaces what was shown under the same id. */
      readonly update: boolean;
    }
  | { readonly type: 'error'; readonly name: string; readonly message: string; readonly traceback: readonly string[] }
  /** `wait`: when the next output comes. */
  | { readonly type: 'clear'; readonly wait: boolean };

/** Undefined for messages that show nothing. */
export function toCellOutput(type: string, content: Content): CellOutput | undefined {
  switch (type) {
    case 'stream':
      return { type, name: content['name'] === 'stderr' ? 'stderr' : 'stdout', text: textOf(content['text']) };
    case 'execute_result':
      return { type: 'result', ...bundleOf(content), execution: Number(content['execution_count']) };
    case 'display_data':
    case 'update_display_data':
      return { type: 'display', ...bundleOf(content), ...idOf(content), update: type === 'update_display_data' };
    case 'error': {
      const { ename, evalue, traceback } = content;
      const lines = Array.isArray(traceback) ? traceback.map(textOf) : [];
      return { type, name: textOf(ename), message: textOf(evalue), traceback: lines };
    }
    case 'clear_output':
      return { type: 'clear', wait: content['wait'] === true };
    default:
      return undefined;
  }
}

function bundleOf({ data, metadata }: Content): { readonly data: Content; readonly metadata: Content } {
  return { data: isContent(data) ? data : {}, metadata: isContent(metadata) ? metadata : {} };
}

function idOf({ transient }: Content): { readonly displayId?: string } {
  const id = isContent(transient) ? transient['display_id'] : undefined;
  return typeof id === 'string' ? { displayId: id } : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
