// The outputs of a cell as a front end builds them from messages: streams grow, displays are updated, clear_output clears. Pure.
import type { KernelMessage } from '@jupyterlab/services';

type MimeBundle = Readonly<Record<string, unknown>>;

/** As in a notebook file (nbformat 4). */
export type NotebookOutput =
  | { output_type: 'stream'; name: 'stdout' | 'stderr'; text: string }
  | { output_type: 'display_data'; data: MimeBundle; metadata: MimeBundle }
  | { output_type: 'execute_result'; data: MimeBundle; metadata: MimeBundle; execution_count: number | null }
  | { output_type: 'error'; ename: string; evalue: string; traceback: readonly string[] };

/** The outputs of all cells of a notebook share displays: an update reaches a display wherever it is. */
export type Displays = Map<string, Extract<NotebookOutput, { output_type: 'display_data' | 'execute_result' }>[]>;

export class OutputArea {
  readonly outputs: NotebookOutput[] = [];
  readonly #displays: Displays;
  #clearBeforeNext = false;

  constructor(displays: Displays) {
    this.#displays = displays;
  }

  /** @returns whether the message changed what is shown */
  apply(message: KernelMessage.IIOPubMessage): boolean {
    const change = toChange(message);
    switch (change.kind) {
      case 'none':
        return false;
      case 'clear':
        this.#clearBeforeNext = change.wait;
        if (!change.wait) this.outputs.length = 0;
        return true;
      case 'update':
        for (const shown of this.#displays.get(change.displayId) ?? []) {
          shown.data = change.data;
          shown.metadata = change.metadata;
        }
        return true;
      case 'add':
        if (this.#clearBeforeNext) this.outputs.length = 0;
        this.#clearBeforeNext = false;
        this.#add(change.output, change.displayId);
        return true;
    }
  }

  #add(output: NotebookOutput, displayId: string | undefined): void {
    const last = this.outputs.at(-1);
    if (output.output_type === 'stream' && last?.output_type === 'stream' && last.name === output.name) {
      last.text += output.text;
      return;
    }
    this.outputs.push(output);
    if (displayId === undefined || !('data' in output)) return;
    this.#displays.set(displayId, [...(this.#displays.get(displayId) ?? []), output]);
  }
}

type Change =
  | { kind: 'none' }
  | { kind: 'clear'; wait: boolean }
  | { kind: 'update'; displayId: string; data: MimeBundle; metadata: MimeBundle }
  | { kind: 'add'; output: NotebookOutput; displayId?: string };

function toChange(message: KernelMessage.IIOPubMessage): Change {
  // The messages are typed by their header, which TypeScript cannot narrow by: each case reads the content of its own type.
  switch (message.header.msg_type) {
    case 'stream': {
      const { name, text } = (message as KernelMessage.IStreamMsg).content;
      return { kind: 'add', output: { output_type: 'stream', name, text } };
    }
    case 'display_data': {
      const { data, metadata, transient } = (message as KernelMessage.IDisplayDataMsg).content;
      const displayId = transient?.display_id;
      const output: NotebookOutput = { output_type: 'display_data', data, metadata };
      return { kind: 'add', output, ...(displayId === undefined ? {} : { displayId }) };
    }
    case 'update_display_data': {
      const { data, metadata, transient } = (message as KernelMessage.IUpdateDisplayDataMsg).content;
      return { kind: 'update', displayId: transient.display_id, data, metadata };
    }
    case 'execute_result': {
      const { data, metadata, execution_count } = (message as KernelMessage.IExecuteResultMsg).content;
      return { kind: 'add', output: { output_type: 'execute_result', data, metadata, execution_count } };
    }
    case 'error': {
      const { ename, evalue, traceback } = (message as KernelMessage.IErrorMsg).content;
      return { kind: 'add', output: { output_type: 'error', ename, evalue, traceback } };
    }
    case 'clear_output':
      return { kind: 'clear', wait: (message as KernelMessage.IClearOutputMsg).content.wait };
    default:
      return { kind: 'none' };
  }
}
