// The harness itself: outputs are built as a front end builds them.
import type { KernelMessage } from '@jupyterlab/services';
import { OutputArea, type Displays } from './outputs';

test('stream texts of one name grow, and another name begins a new output', () => {
  const area = new OutputArea(new Map());
  for (const [name, text] of [
    ['stdout', 'a'],
    ['stdout', 'b'],
    ['stderr', 'c'],
  ] as const)
    area.apply(stream(name, text));
  expect(area.outputs).toEqual([
    { output_type: 'stream', name: 'stdout', text: 'ab' },
    { output_type: 'stream', name: 'stderr', text: 'c' },
  ]);
});

test('an update reaches a display of an earlier cell', () => {
  const displays: Displays = new Map();
  const earlier = new OutputArea(displays);
  const later = new OutputArea(displays);
  earlier.apply(display('display_data', 'one'));
  later.apply(display('update_display_data', 'two'));
  expect(earlier.outputs).toMatchObject([{ data: { 'text/plain': 'two' } }]);
  expect(later.outputs).toEqual([]);
});

test('clear_output with wait clears when the next output comes', () => {
  const area = new OutputArea(new Map());
  area.apply(stream('stdout', 'old'));
  area.apply(message('clear_output', { wait: true }));
  expect(area.outputs).toHaveLength(1);
  area.apply(stream('stdout', 'new'));
  expect(area.outputs).toEqual([{ output_type: 'stream', name: 'stdout', text: 'new' }]);
});

function stream(name: 'stdout' | 'stderr', text: string): KernelMessage.IIOPubMessage {
  return message('stream', { name, text });
}

function display(type: 'display_data' | 'update_display_data', text: string): KernelMessage.IIOPubMessage {
  return message(type, { data: { 'text/plain': text }, metadata: {}, transient: { display_id: 'd' } });
}

function message(type: KernelMessage.IOPubMessageType, content: object): KernelMessage.IIOPubMessage {
  const made: unknown = {
    channel: 'iopub',
    header: { msg_id: '1', msg_type: type, session: 's', username: '', date: '', version: '5.5' },
    parent_header: {},
    metadata: {},
    content,
  };
  return made as KernelMessage.IIOPubMessage;
}
